import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { backward, constant, graph, input, reduceSum, type Tensor, tensorOf } from "../../src/graph/index.js";
import { OrtExecutor } from "../../src/run/ort.js";
import { activations } from "../../src/vit/activation.js";
import { doubles, numbersOf } from "../support/compute.js";
import { gradcheck } from "../support/gradcheck.js";

const points = [-6, -2.5, -1, -0.1, 0, 0.3, 1, 2, 5];
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const formulas = {
  "quick-gelu": (x: number) => x * sigmoid(1.702 * x),
  "gelu-tanh": (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
} as const;

describe.each(["quick-gelu", "gelu-tanh"] as const)("%s", (name) => {
  const f = activations[name];

  it("is what its formula says", async () => {
    const got = await numbersOf(f(constant(doubles([points.length], points))));
    for (const [i, x] of points.entries()) expect(got[i]).toBeCloseTo(formulas[name](x), 14);
  });

  it("has its derivative", async () => {
    await gradcheck(f, [doubles([points.length], points)]);
  });

  it("is finite far out, and so is its derivative, in float32", async () => {
    const x = input("x", [4], "float32");
    const y = f(x);
    const [slope] = backward(reduceSum(y), [x]);
    const executor = OrtExecutor.over(ort);
    const session = await executor.load(graph("far", { y, slope: slope as typeof y }));
    const out = await session.run({ x: tensorOf("float32", [4], [-1e4, -100, 100, 1e4]) });
    await executor.close();
    const numbers = (key: string): number[] => Array.from((out[key] as Tensor).data, Number);
    expect(numbers("y").map((v) => Math.round(v * 1e6) / 1e6 + 0)).toEqual([0, 0, 100, 1e4]);
    expect(numbers("slope").map((v) => Math.round(v * 1e6) / 1e6 + 0)).toEqual([0, 0, 1, 1]);
  });
});
