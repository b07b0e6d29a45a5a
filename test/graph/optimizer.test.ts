import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { scalar } from "../../src/graph/elementwise.js";
import { graph } from "../../src/graph/graph.js";
import { adamW, muon, type Optimizer, sgd } from "../../src/graph/optimizer.js";
import type { Tensor } from "../../src/graph/tensor.js";
import { input, type Value } from "../../src/graph/value.js";
import { ReferenceExecutor } from "../../src/run/reference.js";
import { relativeError } from "../support/closeness.js";
import { doubles } from "../support/compute.js";

const { optimizers: golden } = JSON.parse(readFileSync(new URL("../golden/ops/ops.json", import.meta.url), "utf8")) as {
  optimizers: {
    readonly start: readonly number[];
    readonly grads: readonly (readonly number[])[];
    readonly lrs: readonly number[];
    readonly paths: Readonly<Record<string, readonly (readonly number[])[]>>;
  };
};

/** Where the parameter is after each of the golden steps. */
async function walk(optimizer: Optimizer, decay: number, shape = [golden.start.length]): Promise<Float64Array[]> {
  const leaves = (names: readonly string[], size: number[], prefix: string): Record<string, Value> =>
    Object.fromEntries(names.map((name) => [name, input(`${prefix}${name}`, size, "float64")]));
  const [p, grad, lr] = [input("p", shape, "float64"), input("grad", shape, "float64"), input("lr", [], "float64")];
  const shared = optimizer.advance(leaves(Object.keys(optimizer.shared), [], "shared/"));
  const { next, state } = optimizer.step(p, grad, leaves(optimizer.slots, shape, "state/"), shared, lr, decay);
  const prefixed = (values: Readonly<Record<string, Value>>, prefix: string): Record<string, Value> =>
    Object.fromEntries(Object.entries(values).map(([name, v]) => [`${prefix}${name}`, v]));
  const session = await new ReferenceExecutor().load(
    graph("update", { p: next, ...prefixed(state, "state/"), ...prefixed(shared, "shared/") }),
  );

  let carried: Record<string, Tensor> = {
    p: doubles(shape, golden.start),
    ...Object.fromEntries(
      optimizer.slots.map((name) => [`state/${name}`, doubles(shape, new Float64Array(golden.start.length))]),
    ),
    ...Object.fromEntries(Object.entries(optimizer.shared).map(([name, v]) => [`shared/${name}`, doubles([], [v])])),
  };
  const path: Float64Array[] = [];
  for (const [i, values] of golden.grads.entries()) {
    carried = await session.run({
      ...carried,
      grad: doubles(shape, values),
      lr: doubles([], [golden.lrs[i] as number]),
    });
    path.push(carried.p?.data as Float64Array);
  }
  return path;
}

describe("optimizers move as PyTorch's do", () => {
  it.each<[string, Optimizer, number]>([
    ["adamW", adamW(), 0.05],
    ["adamW without decay", adamW({ beta1: 0.8, beta2: 0.95, epsilon: 1e-6 }), 0],
    ["sgd", sgd(), 0.05],
    ["sgd without momentum", sgd({ momentum: 0 }), 0],
  ])("%s", async (name, optimizer, decay) => {
    const wanted = golden.paths[name] ?? [];
    const path = await walk(optimizer, decay);
    expect(path).toHaveLength(wanted.length);
    for (const [step, p] of path.entries()) {
      expect(relativeError(p, wanted[step] as number[])).toBeLessThanOrEqual(1e-12);
    }
  });

  it.each([
    ["muon, wide", [2, 3]],
    ["muon, tall", [3, 2]],
  ])("%s", async (name, shape) => {
    const path = await walk(muon(), 0.05, shape);
    expect(path).toHaveLength(golden.grads.length);
    for (const [step, p] of path.entries()) {
      // PyTorch clamps a norm near zero where ours adds 1e-7 to it.
      expect(relativeError(p, golden.paths[name]?.[step] as number[])).toBeLessThanOrEqual(1e-6);
    }
  });

  it("refuses to move a vector by Muon", () => {
    const p = input("p", [3]);
    expect(() => muon().step(p, p, { m: p }, {}, input("lr", []), 0)).toThrow("Muon moves matrices only, got [3]");
  });

  it("names a state that is missing", () => {
    const p = input("p", []);
    expect(() => adamW().step(p, p, {}, {}, scalar(1, p), 0)).toThrow("optimizer: state m is missing");
  });
});
