import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ShapeError } from "../../src/errors.js";
import { type Tensor, tensorOf } from "../../src/graph/tensor.js";
import { type Grid, resizePositions } from "../../src/vit/position.js";
import { readGolden } from "../golden/vit/read.js";

const furthest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((worst, x, i) => Math.max(worst, Math.abs(x - (b[i] as number))), 0);

describe("resizePositions", () => {
  it("agrees with PyTorch's antialiased bicubic on every golden pair of grids", async () => {
    const golden = await readGolden("positions");
    const cases = [...golden.tensors.keys()].filter((name) => name.endsWith(".before"));
    expect(cases).toHaveLength(5);
    for (const name of cases) {
      const [rows = 0, columns = 0, newRows = 0, newColumns = 0, prefix = 0] = name.match(/\d+/g)?.map(Number) ?? [];
      const before = golden.get(name) as Tensor<"float32">;
      const after = golden.get(name.replace("before", "after"));
      const got = resizePositions(before, [rows, columns], [newRows, newColumns], prefix);
      expect(got.shape).toEqual(after.shape);
      // Doubles inside, so the result's rounding to float32 is all that differs.
      expect(furthest(got.data, after.data as Float64Array)).toBeLessThan(2.5e-7);
    }
  });

  it.each(["resized", "resized-wide"])("gives the %s network the positions timm gives it", async (name) => {
    const golden = await readGolden(name);
    const [height, width] = golden.settings.imageSize as [number, number];
    const got = resizePositions(golden.get("pos_embed") as Tensor<"float32">, [4, 4], [height / 8, width / 8], 1);
    expect(furthest(got.data, golden.get("golden.pos_embed").data as Float32Array)).toBeLessThan(1e-6);
  });

  it("keeps constants, the prefix, and every grid that stays", () => {
    const side = fc.integer({ min: 1, max: 9 });
    fc.assert(
      fc.property(fc.tuple(side, side), fc.tuple(side, side), fc.nat(2), (from: Grid, to: Grid, prefix) => {
        const rows = prefix + from[0] * from[1];
        const values = Array.from({ length: rows * 2 }, (_, i) => (i < prefix * 2 ? i : 3));
        const before = tensorOf("float32", [1, rows, 2], values);
        const after = resizePositions(before, from, to, prefix);
        expect(after.shape).toEqual([1, prefix + to[0] * to[1], 2]);
        expect(after.data.slice(0, prefix * 2)).toEqual(before.data.slice(0, prefix * 2));
        for (const x of after.data.slice(prefix * 2)) expect(x).toBeCloseTo(3, 6);
        expect(resizePositions(before, from, from, prefix)).toBe(before);
      }),
    );
  });

  it("refuses rows that are no grid", () => {
    expect(() => resizePositions(tensorOf("float32", [1, 5, 1], [1, 2, 3, 4, 5]), [2, 2], [3, 3], 0)).toThrow(
      ShapeError,
    );
  });
});
