import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ShapeError } from "../../src/errors.js";
import { backward } from "../../src/graph/backward.js";
import { add, exp, mul, scalar } from "../../src/graph/elementwise.js";
import { graph } from "../../src/graph/graph.js";
import { reshape, split } from "../../src/graph/layout.js";
import { matmul } from "../../src/graph/matrix.js";
import { gelu, softmax } from "../../src/graph/network.js";
import { reduceMax, reduceMean, reduceSum } from "../../src/graph/reduce.js";
import { sameShape } from "../../src/graph/tensor.js";
import { input, scope, type Value, weight } from "../../src/graph/value.js";
import { relativeError } from "../support/closeness.js";
import { compute, doubles } from "../support/compute.js";

const x = input("x", [3], "float64");
const feeds = { x: doubles([3], [0.2, -1, 0.7]) };
const gradientOf = async (loss: Value): Promise<number[]> => {
  const [gradient] = backward(loss, [x]) as [Value];
  return Array.from((await compute({ gradient }, feeds)).gradient?.data as Float64Array);
};

describe("backward", () => {
  it("is linear in the loss", async () => {
    const f = reduceSum(mul(exp(x), x));
    const g = reduceMean(gelu(x));
    const [df, dg] = [await gradientOf(f), await gradientOf(g)];
    const factor = fc.double({ min: -10, max: 10, noNaN: true });
    await fc.assert(
      fc.asyncProperty(factor, factor, async (a, b) => {
        const sum = await gradientOf(add(mul(scalar(a, f), f), mul(scalar(b, g), g)));
        for (const [i, value] of sum.entries()) {
          expect(value).toBeCloseTo(a * (df[i] as number) + b * (dg[i] as number), 10);
        }
      }),
    );
  });

  it("adds up all paths to a value", async () => {
    const slope = await gradientOf(reduceSum(add(mul(x, x), add(x, x))));
    expect(relativeError(slope, [2 * 0.2 + 2, 0, 2 * 0.7 + 2])).toBeLessThan(1e-15);
  });

  it("reaches values inside the network", async () => {
    const h = mul(x, x);
    const [dh, dx] = backward(reduceSum(mul(h, h)), [h, x]) as [Value, Value];
    const found = await compute({ dh, dx }, { x: doubles([3], [1, 2, 3]) });
    expect(found.dh?.data).toEqual(Float64Array.of(2, 8, 18));
    expect(found.dx?.data).toEqual(Float64Array.of(4, 32, 108));
  });

  it("takes an unused part of a split as zeros", async () => {
    const [first] = split(x, 0, [1, 2]) as [Value];
    expect(await gradientOf(reduceSum(first))).toEqual([1, 0, 0]);
  });

  it("is zero where the loss does not depend on the value", async () => {
    const [zero] = backward(reduceSum(x), [input("other", [2, 2], "float64")]) as [Value];
    expect(zero.shape).toEqual([2, 2]);
    expect((await compute({ zero })).zero?.data).toEqual(new Float64Array(4));
  });

  it("makes no node for frozen weights, nor below the first trained value", () => {
    const widths = [4, 5, 6, 7];
    const weights = widths.slice(1).map((width, i) => weight(`blocks.${i}.weight`, [widths[i] as number, width]));
    const shift = input("shift", [6]);
    let h: Value = input("x", [2, 4]);
    for (const [i, w] of weights.entries()) {
      h = scope(`blocks.${i}`, () => gelu(matmul(h, w)));
      if (i === 1) h = scope("blocks.1", () => add(h, shift));
    }
    const loss = reduceSum(h);
    const forward = new Set(graph("forward", { loss }).nodes);
    const [gradient] = backward(loss, [shift]) as [Value];
    const made = graph("backward", { gradient }).nodes.filter((node) => !forward.has(node));

    expect(new Set(made.map((node) => node.scope))).toEqual(new Set(["grad/", "grad/blocks.1", "grad/blocks.2"]));
    const shapes = made.flatMap((node) => node.outputs.map((v) => v.shape));
    for (const w of weights)
      expect(shapes.filter((s) => sameShape(s, w.shape) || sameShape(s, w.shape.toReversed()))).toEqual([]);
    // One product with a weight leads through block 2, one sum over the batch through block 1.
    expect(made.filter((node) => node.op.type.endsWith("MatMul"))).toHaveLength(1);
    expect(made.filter((node) => node.scope === "grad/blocks.1").map((node) => node.op.type)).toEqual(["ReduceSum"]);
  });

  it("passes operators without a gradient where no trained value lies behind them", async () => {
    const shifted = add(x, reduceMax(input("other", [3], "float64"), [0]));
    const [ones] = backward(reduceSum(shifted), [x]) as [Value];
    expect((await compute({ ones })).ones?.data).toEqual(Float64Array.of(1, 1, 1));
  });

  it("refuses what has no gradient, and names it", () => {
    const loss = scope("head", () => reshape(reduceMax(x, [0]), []));
    expect(() => backward(loss, [x])).toThrow("head: ReduceMax has no gradient");
  });

  it("refuses a loss that is not one number", () => {
    expect(() => backward(softmax(x), [x])).toThrow(ShapeError);
  });

  it("is as deep as the graph", async () => {
    let y: Value = reduceSum(x);
    for (let i = 0; i < 20_000; i++) y = add(y, y);
    expect(graph("gradient", { gradient: backward(y, [x])[0] as Value }).nodes.length).toBeGreaterThan(20_000);
  });
});
