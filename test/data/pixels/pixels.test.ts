import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RgbImage } from "../../../src/data/image.js";
import { mapAffine, rotate } from "../../../src/data/pixels/affine.js";
import { changeBrightness, changeContrast, changeSaturation, changeSharpness } from "../../../src/data/pixels/blend.js";
import { shiftHue } from "../../../src/data/pixels/hue.js";
import { autoContrast, equalize, invert, posterize, solarize } from "../../../src/data/pixels/tone.js";
import { operations } from "../../../src/data/steps/rand-augment.js";
import { draw } from "../../support/draw.js";
import { type AugmentCase, dim, golden } from "../../support/golden-augment.js";

const byFactor: Readonly<Record<string, (image: RgbImage, factor: number) => RgbImage>> = {
  "change-brightness": changeBrightness,
  "change-contrast": changeContrast,
  "change-saturation": changeSaturation,
  "change-sharpness": changeSharpness,
  "shift-hue": shiftHue,
};

function compute({ operation, level = 0, side = 1, factor = 0 }: AugmentCase, image: RgbImage): Uint8Array {
  const before = image.data.slice();
  const own = byFactor[operation];
  const result = own
    ? own(image, factor)
    : operations[operation as keyof typeof operations](image, level, side, golden.fill);
  expect([result.height, result.width, result.data.length]).toEqual([image.height, image.width, image.data.length]);
  // Cached images come back in every epoch.
  expect(Buffer.compare(image.data, before)).toBe(0);
  return result.data;
}

describe("the operations equal Pillow's to the bit", () => {
  it.each(golden.cases)("$operation $level $side $factor of $image", (golden) => {
    const source = golden.image === "dim" ? dim : draw;
    expect(Buffer.from(compute(golden, source(11, 13))).toString("base64")).toBe(golden.pixels);
    expect(
      createHash("sha256")
        .update(compute(golden, source(61, 83)))
        .digest("hex"),
    ).toBe(golden.sha256);
  });

  it("and all of them are compared", () => {
    const compared = new Set(golden.cases.map(({ operation }) => operation));
    expect([...compared].sort()).toEqual([...Object.keys(operations), ...Object.keys(byFactor)].sort());
  });
});

const image: fc.Arbitrary<RgbImage> = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }))
  .chain(([height, width]) =>
    fc
      .uint8Array({ minLength: height * width * 3, maxLength: height * width * 3 })
      .map((data) => ({ height, width, data })),
  );

describe("the operations obey laws", () => {
  it("of what undoes itself, changes nothing or changes nothing more", () => {
    fc.assert(
      fc.property(image, (any) => {
        expect(invert(invert(any))).toEqual(any);
        expect(solarize(any, 256)).toEqual(any);
        expect(solarize(any, 0)).toEqual(invert(any));
        expect(posterize(any, 8)).toEqual(any);
        expect(posterize(posterize(any, 3), 3)).toEqual(posterize(any, 3));
        expect(posterize(any, 0).data.every((value) => value === 0)).toBe(true);
        const reds = autoContrast(any).data.filter((_, i) => i % 3 === 0);
        if (Math.max(...reds) > Math.min(...reds)) {
          // The whole range, but for what is lost where fractions are cut.
          expect(Math.min(...reds)).toBe(0);
          expect(Math.max(...reds)).toBeGreaterThanOrEqual(254);
        }
        expect(mapAffine(any, [1, 0, 0, 0, 1, 0], [1, 2, 3])).toEqual(any);
        expect(rotate(any, 0, [0, 0, 0])).toEqual(any);
        for (const change of [changeBrightness, changeContrast, changeSaturation, changeSharpness]) {
          expect(change(any, 1)).toEqual(any);
        }
      }),
    );
  });

  it("of images of any size, however small", () => {
    fc.assert(
      fc.property(image, fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(-1, 1), (any, level, side) => {
        for (const operation of Object.values(operations)) {
          const result = operation(any, level, side, [9, 8, 7]);
          expect([result.width, result.height, result.data.length]).toEqual([any.width, any.height, any.data.length]);
        }
      }),
    );
  });

  it("of grey, which has no hue, and of constant images, which nothing but tone changes", () => {
    const grey = { width: 2, height: 2, data: new Uint8Array(12).fill(77) };
    expect(shiftHue(grey, 0.3)).toEqual(grey);
    expect(changeSaturation(grey, 1.9)).toEqual(grey);
    for (const same of [autoContrast, equalize]) expect(same(grey)).toEqual(grey);
    expect(changeSharpness(grey, 1.9)).toEqual(grey);
  });

  it("of moving by whole pixels: what comes from outside has the colour that fills", () => {
    const moved = mapAffine(draw(3, 3), [1, 0, 1, 0, 1, 0], [1, 2, 3]);
    expect(Array.from(moved.data.subarray(0, 6))).toEqual(Array.from(draw(3, 3).data.subarray(3, 9)));
    expect(Array.from(moved.data.subarray(6, 9))).toEqual([1, 2, 3]);
  });
});
