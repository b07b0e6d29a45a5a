import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RgbImage } from "../../src/data/image.js";
import { stream } from "../../src/data/random.js";
import {
  applyTransform,
  contractCrop,
  directResize,
  outputSize,
  parseTransform,
  printTransform,
  type Step,
  shortSize,
  splitAtRandom,
} from "../../src/data/transform.js";
import { ConfigError } from "../../src/errors.js";

const side = fc.integer({ min: 1, max: 1000 });
const filter = fc.constantFrom("bicubic" as const, "bilinear" as const);
const decimal = (most: number) => fc.integer({ min: 0, max: most * 1e6 }).map((millionths) => millionths / 1e6);
const share = decimal(1);
const channel = fc.integer({ min: 0, max: 255 });
const color = fc.tuple(channel, channel, channel);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ name: fc.constant("resize" as const), height: side, width: side, filter }),
  fc.record({ name: fc.constant("resize-short" as const), size: side, filter }),
  fc.record({ name: fc.constant("center-crop" as const), height: side, width: side }),
  fc.record({ name: fc.constant("flip" as const) }),
  fc.record({
    name: fc.constant("random-crop" as const),
    height: side,
    width: side,
    padding: fc.integer({ min: 0, max: 99 }),
  }),
  fc.record({
    name: fc.constant("random-resized-crop" as const),
    height: side,
    width: side,
    minScale: share.filter((scale) => scale > 0),
    filter,
  }),
  fc.record({ name: fc.constant("vertical-flip" as const) }),
  fc.record({
    name: fc.constant("color-jitter" as const),
    brightness: decimal(10),
    contrast: decimal(10),
    saturation: decimal(10),
    hue: decimal(0.5),
  }),
  fc.record({
    name: fc.constant("rand-augment" as const),
    count: fc.integer({ min: 1, max: 99 }),
    magnitude: decimal(10),
    deviation: decimal(100),
    fill: color,
  }),
  fc
    .record({
      name: fc.constant("random-erasing" as const),
      probability: share,
      fill: fc.oneof(color, fc.constantFrom("pixel" as const, "uniform" as const)),
      areas: fc
        .tuple(
          share,
          share.filter((area) => area > 0),
        )
        .map((areas) => areas.sort((a, b) => a - b)),
      minAspect: share.filter((aspect) => aspect >= 1e-3),
    })
    .map(({ areas: [minArea = 0, maxArea = 1], ...rest }) => ({ ...rest, minArea, maxArea })),
);

/** An image whose red is the column, green the row. */
function chart(height: number, width: number): RgbImage {
  const data = new Uint8Array(height * width * 3);
  for (let i = 0; i < height * width; i++) data.set([i % width, Math.floor(i / width), 7], i * 3);
  return { width, height, data };
}
const reds = ({ data, width }: RgbImage): number[] => Array.from({ length: width }, (_, x) => data[x * 3] ?? -1);

describe("the sentence", () => {
  it("comes back from its own print", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 5 }), (steps) => {
        const transform = [{ name: "decode" as const }, ...steps];
        expect(parseTransform(printTransform(transform))).toEqual(transform);
      }),
    );
  });

  it.each([
    ["decode|resize(224)|flip", "decode|resize(224,bicubic)|flip"],
    [" decode | resize( 248x248 , bilinear ) ", "decode|resize(248,bilinear)"],
    ["decode|resize(10x20)", "decode|resize(10x20,bicubic)"],
    ["decode|resize-short(248)|center-crop(224)", "decode|resize-short(248,bicubic)|center-crop(224)"],
    ["decode|color-jitter", "decode|color-jitter(0.4,0.4,0.4,0)"],
    ["decode|color-jitter(.2)", "decode|color-jitter(0.2,0.2,0.2,0)"],
    ["decode|rand-augment", "decode|rand-augment(2,9,0.5,128)"],
    ["decode|rand-augment(3,7,0,124/116/104)", "decode|rand-augment(3,7,0,124/116/104)"],
    ["decode|random-erasing", "decode|random-erasing(0.25,pixel,0.02,0.333333,0.3)"],
    ["decode|random-erasing(1,9/9/9)", "decode|random-erasing(1,9,0.02,0.333333,0.3)"],
  ])("%s has the canonical form %s", (sentence, canonical) => {
    expect(printTransform(parseTransform(sentence))).toBe(canonical);
  });

  it.each([
    ["", /first step|cannot read/],
    ["resize(224)", /expected "decode" as the first step/],
    ["decode|decode", /first step, and only there/],
    ["decode|resise(224)", /cannot read the step "resise\(224\)".*known: decode; resize/],
    ["decode|resize(0)", /expected resize\(224,bicubic\)/],
    ["decode|random-resized-crop(224,0)", /expected random-resized-crop\(224,0.08,bicubic\)/],
    ["decode|random-resized-crop(224,1.5)", /expected random-resized-crop/],
    ["decode|random-crop(64,-1)", /expected random-crop\(SIZE,PADDING\)/],
    ["decode|vertical-flip(1)", /expected vertical-flip/],
    ["decode|color-jitter(-0.1)", /expected color-jitter\(0.4,0.4,0.4,0\)/],
    ["decode|color-jitter(0.4,0.4,0.4,0.6)", /hue/],
    ["decode|color-jitter(0.1,0.1,0.1,0.1,0.1)", /expected color-jitter/],
    ["decode|rand-augment(0)", /expected rand-augment\(2,9,0.5,128\)/],
    ["decode|rand-augment(2,11)", /magnitude 0 to 10/],
    ["decode|rand-augment(2,9,0.5,256)", /expected rand-augment/],
    ["decode|rand-augment(2,9,0.5,1/2)", /expected rand-augment/],
    ["decode|random-erasing(1.5)", /expected random-erasing\(0.25,pixel/],
    ["decode|random-erasing(0.5,red)", /pixel, uniform or a colour/],
    ["decode|random-erasing(0.5,pixel,0.5,0.4)", /expected random-erasing/],
    ["decode|random-erasing(0.5,pixel,0.1,0.4,0)", /expected random-erasing/],
    ["decode|resize(224,cubic)", /filters: bilinear, bicubic/],
    ["decode|resize(1e9)", /cannot read/],
    ["decode|resize(99999)", /cannot read/],
    ["decode|resize(2x2x2)", /cannot read/],
    ["decode|flip(1)", /expected flip/],
    ["decode|constructor", /known:/],
    ["decode|flip()|", /cannot read/],
  ])("%s is refused", (sentence, message) => {
    expect(() => parseTransform(sentence)).toThrow(ConfigError);
    expect(() => parseTransform(sentence)).toThrow(message);
  });

  it("never meets text it crashes on", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => parseTransform(`decode|${text}`)).toThrow(ConfigError);
      }),
    );
  });

  it("of the defaults", () => {
    expect(printTransform(directResize(96))).toBe("decode|resize(96,bicubic)");
    expect(printTransform(contractCrop(224, 0.9))).toBe("decode|resize-short(248,bicubic)|center-crop(224)");
  });
});

describe("a transform", () => {
  it("is cut before its first random step", () => {
    const transform = parseTransform("decode|resize(8)|flip|center-crop(4)");
    const { fixed, random } = splitAtRandom(transform);
    expect([printTransform(fixed), random.map(({ name }) => name)]).toEqual([
      "decode|resize(8,bicubic)",
      ["flip", "center-crop"],
    ]);
    expect(splitAtRandom(fixed)).toEqual({ fixed, random: [] });
  });

  it("knows its size where it does not depend on the image", () => {
    expect(outputSize(parseTransform("decode|resize(8x4)|flip"))).toEqual([8, 4]);
    expect(outputSize(parseTransform("decode|resize-short(8)"))).toBeUndefined();
    expect(outputSize(parseTransform("decode|resize-short(8)|center-crop(6)"))).toEqual([6, 6]);
  });

  it("flips half of the time, and exactly", () => {
    const transform = parseTransform("decode|flip");
    const results = Array.from({ length: 400 }, (_, i) => reds(applyTransform(transform, chart(2, 3), stream(0, i))));
    const flipped = results.filter((row) => row[0] === 2);
    expect(flipped.every((row) => row.join() === "2,1,0")).toBe(true);
    expect(Math.abs(flipped.length - 200)).toBeLessThan(45);
  });

  it.each([
    // Odd differences: Python rounds 0.5 to 0, 1.5 to 2, 2.5 to 2.
    [5, 4, [0, 1, 2, 3]],
    [7, 4, [2, 3, 4, 5]],
    [9, 4, [2, 3, 4, 5]],
    [8, 4, [2, 3, 4, 5]],
    [2, 4, [0, 0, 1, 0]],
  ])("crops the middle of %d pixels to %d", (width, size, expected) => {
    expect(reds(applyTransform(parseTransform(`decode|center-crop(${size})`), chart(size, width), stream(0)))).toEqual(
      expected,
    );
  });

  it("resizes the shorter side as torchvision does", () => {
    expect(shortSize(375, 500, 248)).toEqual([248, 330]);
    expect(shortSize(500, 375, 248)).toEqual([330, 248]);
    const { height, width } = applyTransform(parseTransform("decode|resize-short(8)"), chart(30, 20), stream(0));
    expect([height, width]).toEqual([12, 8]);
  });

  it("crops at every place of the bordered image equally often", () => {
    const transform = parseTransform("decode|random-crop(4,1)");
    const counts = new Map<string, number>();
    for (let i = 0; i < 900; i++) {
      const cut = applyTransform(transform, chart(4, 4), stream(3, i));
      // Two rows and columns in from the corner nothing is border, so the pixel names the place.
      const key = `${(cut.data[(1 * 4 + 1) * 3 + 1] ?? 0) - 1},${(cut.data[(1 * 4 + 1) * 3] ?? 0) - 1}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual(["-1,-1", "-1,0", "-1,1", "0,-1", "0,0", "0,1", "1,-1", "1,0", "1,1"]);
    for (const count of counts.values()) expect(Math.abs(count - 100)).toBeLessThan(45);
    expect(outputSize(transform)).toEqual([4, 4]);
  });

  it("crops the middle where even the bordered image is too small", () => {
    expect(reds(applyTransform(parseTransform("decode|random-crop(4)"), chart(2, 2), stream(0)))).toEqual([0, 0, 0, 0]);
    expect(applyTransform(parseTransform("decode|random-crop(4)"), chart(2, 2), stream(0)).data[5 * 3 + 3]).toBe(1);
  });

  it("resizes parts whose area and proportions are as published", () => {
    const whole = chart(200, 200);
    const sides = Array.from({ length: 400 }, (_, i) => {
      const { data } = applyTransform(parseTransform("decode|random-resized-crop(50,0.25)"), whole, stream(1, i));
      const at = (y: number, x: number, c: number) => data[(y * 50 + x) * 3 + c] as number;
      // Red and green are the coordinates in the whole, so their slope is the side of the part.
      return { width: ((at(0, 40, 0) - at(0, 10, 0)) / 30) * 50, height: ((at(40, 0, 1) - at(10, 0, 1)) / 30) * 50 };
    });
    const areas = sides.map(({ width, height }) => (width * height) / 40_000);
    const mean = areas.reduce((sum, area) => sum + area, 0) / areas.length;
    expect(Math.min(...areas)).toBeGreaterThan(0.23);
    // Large parts with unequal sides do not fit and are drawn again, so the mean is somewhat below the middle, 0.625.
    expect(mean).toBeGreaterThan(0.55);
    expect(mean).toBeLessThan(0.63);
    for (const { width, height } of sides)
      expect(Math.abs(Math.log(width / height))).toBeLessThan(Math.log(4 / 3) + 0.06);
  });

  it("takes the largest middle part of an image that no part fits", () => {
    const { data } = applyTransform(parseTransform("decode|random-resized-crop(4,1)"), chart(2, 100), stream(0));
    expect(Math.abs((data[0] ?? 0) - 49)).toBeLessThanOrEqual(1);
    expect(Math.abs((data[9] ?? 0) - 50)).toBeLessThanOrEqual(1);
  });
});
