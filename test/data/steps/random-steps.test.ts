import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RgbImage } from "../../../src/data/image.js";
import { type Stream, stream } from "../../../src/data/random.js";
import { operations } from "../../../src/data/steps/rand-augment.js";
import { applyTransform, outputSize, parseTransform, splitAtRandom } from "../../../src/data/transform.js";
import { draw } from "../../support/draw.js";

const sentences = [
  "decode|vertical-flip",
  "decode|color-jitter(0.4,0.4,0.4,0.1)",
  "decode|rand-augment(3,9,0.5,124/116/104)",
  "decode|random-erasing(0.7,pixel)",
  "decode|random-erasing(0.7,uniform)",
  "decode|random-erasing(0.7,10/20/30)",
  "decode|random-resized-crop(24x20)|flip|vertical-flip|rand-augment|color-jitter|random-erasing",
];
const apply = (sentence: string, image: RgbImage, ...path: (number | string)[]): RgbImage =>
  applyTransform(parseTransform(sentence), image, stream(2, ...path));
/** A stream that counts its draws. */
function counted(random: Stream): { readonly random: Stream; readonly draws: () => number } {
  let count = 0;
  const word = () => {
    count++;
    return random.word();
  };
  const uniform = () => {
    count++;
    return random.uniform();
  };
  return { random: { ...random, word, uniform }, draws: () => count };
}

describe.each(sentences)("%s", (sentence) => {
  const transform = parseTransform(sentence);

  it("gives the same for the same stream, other images for others, and leaves its image alone", () => {
    const image = draw(24, 20);
    const results = Array.from({ length: 12 }, (_, i) => apply(sentence, image, "augment", 0, i).data.join());
    expect(image).toEqual(draw(24, 20));
    expect(Array.from({ length: 12 }, (_, i) => apply(sentence, image, "augment", 0, i).data.join())).toEqual(results);
    expect(new Set(results).size).toBeGreaterThan(1);
    expect(splitAtRandom(transform).fixed).toEqual([{ name: "decode" }]);
  });

  it("keeps the size of any image, and knows it", () => {
    const side = fc.integer({ min: 1, max: 12 });
    fc.assert(
      fc.property(side, side, fc.nat(), (height, width, at) => {
        const result = apply(sentence, draw(height, width), at);
        expect([result.height, result.width]).toEqual(outputSize(transform) ?? [height, width]);
        expect(result.data).toHaveLength(result.height * result.width * 3);
      }),
      { numRuns: 60 },
    );
  });
});

describe("vertical-flip", () => {
  it("turns half of the images over, and exactly", () => {
    const image = draw(5, 3);
    const over = Uint8Array.from([4, 3, 2, 1, 0].flatMap((y) => Array.from(image.data.subarray(y * 9, y * 9 + 9))));
    const results = Array.from({ length: 400 }, (_, i) => apply("decode|vertical-flip", image, i).data);
    const turned = results.filter((data) => data.join() !== image.data.join());
    for (const data of turned) expect(data).toEqual(over);
    expect(Math.abs(turned.length - 200)).toBeLessThan(45);
  });
});

describe("color-jitter", () => {
  const grey = (value: number): RgbImage => ({ width: 1, height: 1, data: new Uint8Array(3).fill(value) });

  it("draws the factor uniformly in its bounds, never below 0", () => {
    const levels = Array.from(
      { length: 1000 },
      (_, i) => (apply("decode|color-jitter(0.5,0,0)", grey(100), i).data[0] as number) / 100,
    );
    expect(Math.min(...levels)).toBeGreaterThanOrEqual(0.49);
    expect(Math.max(...levels)).toBeLessThanOrEqual(1.5);
    for (const bound of [0.75, 1, 1.25]) {
      const below = levels.filter((level) => level < bound).length / 1000;
      expect(Math.abs(below - (bound - 0.5))).toBeLessThan(0.06);
    }
    const strong = Array.from({ length: 200 }, (_, i) => apply("decode|color-jitter(3,0,0)", grey(20), i).data[0] ?? 0);
    expect(Math.min(...strong)).toBeLessThan(5);
    expect(Math.max(...strong)).toBeGreaterThan(70);
  });

  it("changes nothing where all its numbers are 0", () => {
    const image = draw(6, 7);
    for (let i = 0; i < 20; i++) expect(apply("decode|color-jitter(0,0,0,0)", image, i)).toEqual(image);
  });

  it("keeps hue and colourfulness of grey, whatever it does to its brightness", () => {
    for (let i = 0; i < 50; i++) {
      const [red, green, blue] = apply("decode|color-jitter(0.5,0.5,0.5,0.5)", grey(90), i).data;
      expect([green, blue]).toEqual([red, red]);
    }
  });
});

describe("rand-augment", () => {
  it("leaves a quarter of the images as they are, with two operations", () => {
    const image = draw(9, 9);
    // A magnitude high enough that every operation shows.
    const same = Array.from({ length: 1000 }, (_, i) => apply("decode|rand-augment(2,9,0)", image, i)).filter(
      (result) => result === image,
    );
    expect(Math.abs(same.length - 250)).toBeLessThan(60);
  });

  it("draws every operation, in both directions, at the magnitude that is asked for", () => {
    const image = draw(9, 9);
    const wanted = new Set<string>();
    for (const operation of Object.values(operations)) {
      for (const side of [-1, 1]) wanted.add(operation(image, 0.7, side, [128, 128, 128]).data.join());
    }
    const found = new Set<string>();
    for (let i = 0; i < 1500; i++) found.add(apply("decode|rand-augment(1,7,0)", image, i).data.join());
    found.delete(image.data.join());
    expect([...found].every((pixels) => wanted.has(pixels))).toBe(true);
    expect(found.size).toBeGreaterThanOrEqual(wanted.size - 1);
  });

  it("varies the magnitude, and cuts it to its bounds", () => {
    const image: RgbImage = { width: 1, height: 1, data: Uint8Array.of(100, 100, 100) };
    const seen = (sentence: string) =>
      new Set(Array.from({ length: 600 }, (_, i) => apply(sentence, image, i).data[0] as number));
    expect(seen("decode|rand-augment(1,5,0)").size).toBeLessThan(12);
    expect(seen("decode|rand-augment(1,5,1)").size).toBeGreaterThan(30);
    expect(Math.max(...seen("decode|rand-augment(1,10,50)"))).toBe(210);
  });
});

describe("random-erasing", () => {
  const white: RgbImage = { width: 40, height: 30, data: new Uint8Array(3600).fill(255) };
  const boxes = (sentence: string, count: number) =>
    Array.from({ length: count }, (_, i) => {
      const { data } = apply(sentence, white, i);
      const black = Array.from({ length: 1200 }, (_, at) => at).filter((at) => data[at * 3] === 0);
      const [xs, ys] = [black.map((at) => at % 40), black.map((at) => Math.floor(at / 40))];
      const [width, height] = [xs, ys].map((all) => Math.max(...all) - Math.min(...all) + 1);
      return {
        area: black.length,
        width: width ?? 0,
        height: height ?? 0,
        left: Math.min(...xs),
        top: Math.min(...ys),
      };
    });

  it("erases one rectangle, as often as it is told", () => {
    const found = boxes("decode|random-erasing(0.25,0)", 1000);
    const erased = found.filter(({ area }) => area > 0);
    expect(Math.abs(erased.length - 250)).toBeLessThan(55);
    for (const { area, width, height } of erased) expect(area).toBe(width * height);
    expect(boxes("decode|random-erasing(0,0)", 50).every(({ area }) => area === 0)).toBe(true);
  });

  it("of an area and proportions within the bounds, everywhere", () => {
    const found = boxes("decode|random-erasing(1,0,0.1,0.4,0.5)", 600).filter(({ area }) => area > 0);
    expect(found.length).toBeGreaterThan(590);
    for (const { area, width, height } of found) {
      expect(area / 1200).toBeGreaterThan(0.09);
      expect(area / 1200).toBeLessThan(0.42);
      expect(Math.abs(Math.log2(height / width))).toBeLessThan(1.12);
    }
    const mean = found.reduce((sum, { area }) => sum + area / 1200, 0) / found.length;
    expect(Math.abs(mean - 0.25)).toBeLessThan(0.03);
    expect(found.some(({ left, top }) => left === 0 && top > 0)).toBe(true);
    expect(found.some(({ left, width, top }) => left + width === 40 && top > 0)).toBe(true);
  });

  it("fills with normal or uniform colours", () => {
    const valuesOf = (fill: string, channel: number): number[] =>
      Array.from({ length: 40 }, (_, i) => {
        const { data } = apply(`decode|random-erasing(1,${fill},0.2)`, { ...white, data: new Uint8Array(3600) }, i);
        return Array.from(data).filter(
          (_, at) => at % 3 === channel && data.slice(at - channel, at - channel + 3).some(Boolean),
        );
      }).flat();
    for (const [channel, mean, deviation] of [
      [0, 123.7, 58.4],
      [1, 116.3, 57.1],
      [2, 103.5, 57.4],
    ] as const) {
      const values = valuesOf("pixel", channel);
      const average = values.reduce((sum, value) => sum + value, 0) / values.length;
      const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - average) ** 2, 0) / values.length);
      expect(Math.abs(average - mean)).toBeLessThan(2);
      // Slightly less than that of the colours, because values outside 0 to 255 are cut.
      expect(Math.abs(spread - deviation)).toBeLessThan(2.5);
    }
    const uniform = valuesOf("uniform", 1);
    for (let quarter = 0; quarter < 4; quarter++) {
      const inside = uniform.filter((value) => Math.floor(value / 64) === quarter).length / uniform.length;
      expect(Math.abs(inside - 0.25)).toBeLessThan(0.02);
    }
  });

  it("draws one random word for each pixel it fills, and hardly any where it fills none", () => {
    const { random, draws } = counted(stream(1));
    applyTransform(parseTransform("decode|random-erasing(0,pixel)"), white, random);
    expect(draws()).toBe(1);
  });

  it("leaves an image alone that no rectangle fits", () => {
    const tiny: RgbImage = { width: 1, height: 1, data: Uint8Array.of(1, 2, 3) };
    for (let i = 0; i < 20; i++) expect(apply("decode|random-erasing(1,0)", tiny, i)).toEqual(tiny);
  });
});
