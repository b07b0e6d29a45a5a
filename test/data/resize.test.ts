import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type FilterName, resize } from "../../src/data/resize.js";
import { draw } from "../support/draw.js";

interface Case {
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
  readonly filter: FilterName;
  readonly pixels: string;
}

const golden = JSON.parse(readFileSync(new URL("../golden/resize/resize.json", import.meta.url), "utf8")) as {
  readonly cases: readonly Case[];
};

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
