import fc from "fast-check";
import sharp, { type Sharp } from "sharp";
import { describe, expect, it } from "vitest";
import { type Fingerprint, fingerprint, gridCorrelation, hashDistance } from "../../src/data/fingerprint.js";
import type { RgbImage } from "../../src/data/image.js";
import { groupNear, isNear } from "../../src/data/near-duplicates.js";
import { stream } from "../../src/data/random.js";

/** A scene of soft patches of colour, another for each seed. */
function scene(seed: number, width = 90, height = 70): RgbImage {
  const random = stream(seed, "scene");
  const waves = Array.from({ length: 6 }, () => [0, 1, 2, 3, 4].map(() => random.uniform()));
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) {
    const [c, x, y] = [i % 3, (Math.floor(i / 3) % width) / width, Math.floor(i / (3 * width)) / height];
    const sum = waves.reduce((all, [a = 0, b = 0, p = 0, q = 0, tint = 0]) => {
      return all + Math.sin(9 * a * x + 6 * p) * Math.cos(9 * b * y + 6 * q) * (1 + 0.3 * Math.sin(c + 6 * tint));
    }, 0);
    data[i] = Math.max(0, Math.min(255, 128 + 40 * sum));
  }
  return { width, height, data };
}

const change = async ({ data, width, height }: RgbImage, by: (image: Sharp) => Sharp): Promise<Fingerprint> => {
  const encoded = await by(sharp(data, { raw: { width, height, channels: 3 } })).toBuffer();
  const { data: raw, info } = await sharp(encoded).raw().toBuffer({ resolveWithObject: true });
  return fingerprint({ data: raw, width: info.width, height: info.height });
};

describe("the fingerprint", () => {
  it.each([
    ["compressed", (image: Sharp) => image.jpeg({ quality: 50 })],
    ["smaller", (image: Sharp) => image.resize(40).png()],
    ["larger", (image: Sharp) => image.resize(300).png()],
    ["brighter", (image: Sharp) => image.linear(1, 15).png()],
  ])("stays near where an image is stored %s", async (_, by) => {
    for (const seed of [1, 2, 3, 4]) expect(isNear(fingerprint(scene(seed)), await change(scene(seed), by))).toBe(true);
  });

  it.each([
    ["mirrored", (image: Sharp) => image.flop().png()],
    ["turned", (image: Sharp) => image.rotate(90).png()],
    ["inverted", (image: Sharp) => image.negate().png()],
    [
      "in other colours",
      (image: Sharp) =>
        image
          .recomb([
            [0.2, 0.6, 0.2],
            [0.9, 0, 0.1],
            [0.1, 0.1, 0.8],
          ])
          .tint("red")
          .png(),
    ],
  ])("is far where an image is %s", async (_, by) => {
    for (const seed of [1, 2, 3, 4])
      expect(isNear(fingerprint(scene(seed)), await change(scene(seed), by))).toBe(false);
  });

  it("keeps means: of even grey the grey, of halves their values", () => {
    const even = fingerprint({ width: 5, height: 3, data: new Uint8Array(45).fill(77) });
    expect([even.grid.every((value) => value === 77), even.contrast, even.hash.every((word) => word === 0)]).toEqual([
      true,
      0,
      true,
    ]);
    for (const value of even.color) expect(value).toBeCloseTo(77, 9);
    const halves = fingerprint({ width: 2, height: 1, data: Uint8Array.of(0, 0, 0, 200, 200, 200) });
    expect([halves.grid[0], halves.grid[8], halves.grid[9], halves.grid[17], Math.round(halves.contrast)]).toEqual([
      0, 0, 200, 200, 100,
    ]);
    expect([
      hashDistance(even, halves),
      gridCorrelation(even, halves),
      Math.round(gridCorrelation(halves, halves)),
    ]).toEqual([18, 0, 1]);
  });
});

describe("groups of near duplicates", () => {
  it("are found by words of the hash as by comparing every pair", () => {
    const bits = fc.array(fc.nat(143), { maxLength: 12 });
    const base = fingerprint(scene(1));
    fc.assert(
      fc.property(fc.array(bits, { maxLength: 12 }), (flips) => {
        const prints = flips.map((list): Fingerprint => {
          const hash = Uint16Array.from(base.hash);
          for (const bit of list) hash[bit >> 4] = (hash[bit >> 4] as number) ^ (1 << (bit & 15));
          return { ...base, hash };
        });
        const groups = groupNear(prints);
        const groupOf = (place: number): number => groups.findIndex((group) => group.includes(place));
        for (const a of prints.keys()) {
          for (const b of prints.keys()) {
            const isPair = a !== b && hashDistance(prints[a] as Fingerprint, prints[b] as Fingerprint) <= 8;
            if (isPair) expect([groupOf(a) >= 0, groupOf(a) === groupOf(b)]).toEqual([true, true]);
          }
          const hasNear = prints.some((other, b) => b !== a && hashDistance(prints[a] as Fingerprint, other) <= 8);
          expect(groupOf(a) >= 0).toBe(hasNear);
        }
      }),
    );
  });

  it("of ten thousand pictures are found without comparing all of them", () => {
    const random = stream(0, "prints");
    const base = fingerprint(scene(1));
    const prints = Array.from({ length: 10_000 }, (): Fingerprint => {
      return { ...base, hash: Uint16Array.from({ length: 9 }, () => 65536 * random.uniform()) };
    });
    const copy = prints[77] as Fingerprint;
    const began = performance.now();
    expect(groupNear([...prints, { ...copy, hash: copy.hash.map((word, i) => (i < 8 ? word ^ 1 : word)) }])).toEqual([
      [77, 10_000],
    ]);
    // A hundred milliseconds here; all pairs take minutes.
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  it("of even surfaces are none", () => {
    const flat = fingerprint({ width: 8, height: 8, data: new Uint8Array(192).fill(9) });
    expect(groupNear([flat, flat])).toEqual([]);
  });
});
