import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backward } from "../../src/graph/backward.js";
import { broadcastOffsets, broadcastShapes, repeatedAxes, stridesOf } from "../../src/graph/broadcast.js";
import { add, mul } from "../../src/graph/elementwise.js";
import { expand } from "../../src/graph/layout.js";
import { reduceSum } from "../../src/graph/reduce.js";
import { elementCount, type Shape } from "../../src/graph/tensor.js";
import { constant, input, type Value } from "../../src/graph/value.js";
import { compute, doubles } from "../support/compute.js";

const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 });
/** A shape and one that broadcasts to it: leading axes dropped, others set to 1. */
const repeated = fc
  .record({
    to: shapes,
    drop: fc.nat(4),
    ones: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
  })
  .map(({ to, drop, ones }) => ({
    to,
    from: to.map((size, i) => (ones[i] ? 1 : size)).slice(drop),
  }));
const ramp = (shape: Shape, start: number): Float64Array =>
  Float64Array.from({ length: elementCount(shape) }, (_, i) => Math.sin(start + 1.3 * i));

describe("broadcast", () => {
  it("is the same in either order, and takes the other size where one is 1", () => {
    fc.assert(
      fc.property(shapes, shapes, (a, b) => {
        expect(broadcastShapes(a, b)).toEqual(broadcastShapes(b, a));
      }),
    );
    expect(broadcastShapes([2, 1, 3], [4, 1])).toEqual([2, 4, 3]);
    expect(broadcastShapes([], [2])).toEqual([2]);
    expect(broadcastShapes([0], [1])).toEqual([0]);
    expect(broadcastShapes([2], [3])).toBeUndefined();
  });

  it("has row-major strides and offsets", () => {
    expect(stridesOf([2, 3, 4])).toEqual([12, 4, 1]);
    expect([...broadcastOffsets([2, 1], [2, 2, 3])]).toEqual([0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1]);
    expect(repeatedAxes([2, 1], [2, 2, 3])).toEqual([0, 2]);
  });

  it("is undone by its transpose: ⟨Bx, y⟩ = ⟨x, Bᵀy⟩", async () => {
    await fc.assert(
      fc.asyncProperty(repeated, async ({ from, to }) => {
        const x = input("x", from, "float64");
        const y = constant(doubles(to, ramp(to, 2)));
        const left = reduceSum(mul(expand(x, to), y));
        const [adjoint] = backward(left, [x]) as [Value];
        const found = await compute(
          { left, right: reduceSum(mul(x, adjoint)), adjoint },
          { x: doubles(from, ramp(from, 1)) },
        );
        expect(found.adjoint?.shape).toEqual(from);
        expect(found.right?.data[0]).toBeCloseTo(found.left?.data[0] as number, 12);
      }),
    );
  });

  it("is undone for both inputs of a sum", async () => {
    await fc.assert(
      fc.asyncProperty(repeated, async ({ from, to }) => {
        const [a, b] = [input("a", from, "float64"), input("b", to, "float64")];
        const y = constant(doubles(to, ramp(to, 2)));
        const [da, db] = backward(reduceSum(mul(add(a, b), y)), [a, b]) as [Value, Value];
        const found = await compute({ da, db });
        expect(found.db?.data).toEqual(ramp(to, 2));
        expect(found.da?.shape).toEqual(from);
        const total = (values: ArrayLike<unknown>): number =>
          (Array.from(values) as number[]).reduce((s, v) => s + v, 0);
        expect(total(found.da?.data as Float64Array)).toBeCloseTo(total(ramp(to, 2)), 12);
      }),
    );
  });
});
