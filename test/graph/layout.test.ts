import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat, expand, reshape, split, transpose } from "../../src/graph/layout.js";
import { elementCount } from "../../src/graph/tensor.js";
import { constant, input } from "../../src/graph/value.js";
import { doubles, numbersOf } from "../support/compute.js";

const shaped = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
const counted = (shape: readonly number[]) =>
  constant(
    doubles(
      shape,
      Float64Array.from({ length: elementCount(shape) }, (_, i) => i),
    ),
  );

describe("layout", () => {
  it("concat after split is the identity", async () => {
    const cut = fc.record({
      shape: shaped,
      axis: fc.nat(3),
      sizes: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(cut, async ({ shape, axis: any, sizes }) => {
        const axis = any % shape.length;
        const x = counted(
          shape.with(
            axis,
            sizes.reduce((a, b) => a + b),
          ),
        );
        const parts = split(x, axis, sizes);
        expect(parts.map((p) => p.shape[axis])).toEqual(sizes);
        const whole = concat(parts, axis);
        expect(whole.shape).toEqual(x.shape);
        expect(await numbersOf(whole)).toEqual(await numbersOf(x));
      }),
    );
  });

  it("split after concat is the identity", async () => {
    const [a, b] = [counted([2, 1, 3]), counted([2, 4, 3])];
    const parts = split(concat([a, b], 1), 1, [1, 4]);
    expect(await Promise.all(parts.map(numbersOf))).toEqual(await Promise.all([a, b].map(numbersOf)));
  });

  it("transpose by the inverse permutation is the identity", async () => {
    const permuted = shaped.chain((shape) =>
      fc.record({
        shape: fc.constant(shape),
        perm: fc.shuffledSubarray([...shape.keys()], { minLength: shape.length }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(permuted, async ({ shape, perm }) => {
        const x = counted(shape);
        const there = transpose(x, perm);
        expect(there.shape).toEqual(perm.map((axis) => shape[axis]));
        const back = transpose(
          there,
          perm.map((_, axis) => perm.indexOf(axis)),
        );
        expect(back.shape).toEqual(shape);
        expect(await numbersOf(back)).toEqual(await numbersOf(x));
      }),
    );
  });

  it("makes no node where nothing changes", () => {
    const x = input("x", [2, 3]);
    expect(reshape(x, [2, 3])).toBe(x);
    expect(expand(x, [2, 3])).toBe(x);
    expect(concat([x], 0)).toBe(x);
    expect(split(x, 0, [2])).toEqual([x]);
  });
});
