import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { RgbImage } from "../../src/data/image.js";
import { type FilterName, resize } from "../../src/data/resize.js";

interface Case {
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
  readonly filter: FilterName;
  readonly pixels: string;
}

const golden = JSON.parse(readFileSync(new URL("../golden/resize/resize.json", import.meta.url), "utf8")) as {
  readonly cases: readonly Case[];
};

/** The formula of golden/resize/make.py. */
function draw(height: number, width: number): RgbImage {
  const data = new Uint8Array(height * width * 3);
  for (let i = 0; i < data.length; i++) {
    const [y, x, c] = [Math.floor(i / (width * 3)), Math.floor(i / 3) % width, i % 3];
    const noise = Math.floor(((x * 2654435761 + y * 40503 + c * 7919) % 2 ** 32) / 2 ** 13) % 64;
    data[i] = (y * y * 7 + x * x * 13 + x * y * 5 + c * 91 + noise) % 256;
  }
  return { width, height, data };
}

describe("resize", () => {
  it.each(golden.cases)("equals Pillow's to the bit: $filter $from to $to", ({ from, to, filter, pixels }) => {
    const result = resize(draw(...from), ...to, filter);
    expect([result.height, result.width]).toEqual(to);
    expect(Buffer.from(result.data).toString("hex")).toBe(pixels);
  });

  it("keeps a constant colour, at any size", () => {
    const data = new Uint8Array(7 * 5 * 3).fill(201);
    for (const [height, width] of [
      [1, 1],
      [3, 40],
      [50, 2],
    ] as const) {
      expect(new Set(resize({ width: 5, height: 7, data }, height, width).data)).toEqual(new Set([201]));
    }
  });
});
