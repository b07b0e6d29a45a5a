import fc from "fast-check";
import * as ort from "onnxruntime-node";
import { afterAll, describe, expect, it } from "vitest";
import { RuntimeUnavailableError, ShapeError } from "../../src/errors.js";
import {
  add,
  attention,
  backward,
  type DType,
  gemm,
  graph,
  input,
  matmul,
  mul,
  normalize,
  reduceSum,
  softmax,
  type Tensor,
  tensor,
  tensorOf,
  toNumbers,
  weight,
} from "../../src/graph/index.js";
import type { Resident } from "../../src/run/executor.js";
import { OrtExecutor, sessionOptions } from "../../src/run/ort.js";
import { OrtEngine } from "../../src/run/ort-engine.js";
import { ReferenceExecutor } from "../../src/run/reference.js";
import { numbersFor, randomGraph } from "../onnx/random-graph.js";

const executor = OrtExecutor.over(ort, { threads: 1 });
const reference = new ReferenceExecutor();
afterAll(() => executor.close());

const floats = (shape: readonly number[], values: ArrayLike<number>) => tensorOf("float32", shape, values);

/** The largest difference of two tensors, beside 1 or the larger of the two. */
const difference = (a: Tensor, b: Tensor): number => {
  const [x, y] = [toNumbers(a), toNumbers(b)];
  return x.reduce((worst, v, i) => {
    const other = y[i] as number;
    return Object.is(v, other)
      ? worst
      : Math.max(worst, Math.abs(v - other) / Math.max(1, Math.abs(v), Math.abs(other)));
  }, 0);
};

describe("OrtExecutor", () => {
  it("computes a small network as by hand", async () => {
    const x = input("x", [2, 2]);
    const hidden = gemm(x, weight("w1", [2, 3]), { bias: weight("b1", [3]) });
    const y = matmul(mul(hidden, hidden), weight("w2", [3, 1]));
    const weights: Record<string, Tensor> = {
      w1: floats([2, 3], [1, 0, 2, 0, 1, -1]),
      b1: floats([3], [0, 1, 0]),
      w2: floats([3, 1], [1, 10, 100]),
    };
    const asked: string[] = [];
    const session = await executor.load(graph("mlp", { y }), (name) => {
      asked.push(name);
      return weights[name] as Tensor;
    });
    // hidden = [[1, 3, 0], [3, 5, 2]]
    const { y: result } = await session.run({ x: floats([2, 2], [1, 2, 3, 4]) });
    expect(result).toEqual(floats([2, 1], [1 + 90, 9 + 250 + 400]));
    expect(asked.sort()).toEqual(["b1", "w1", "w2"]);
    await session.close();
  });

  it.each([
    ["float64", 1e-12],
    ["float32", 1e-4],
  ] as const)("agrees with the reference on any graph in %s", async (dtype, tolerance) => {
    await fc.assert(
      fc.asyncProperty(randomGraph(dtype), async (g) => {
        const [feeds, weights] = [numbersFor(g.inputs), numbersFor(g.weights)];
        const [ours, theirs] = await Promise.all(
          [executor, reference].map(async (one) => {
            const session = await one.load(g, (name) => weights[name] as Tensor);
            const results = await session.run(feeds);
            await session.close();
            return results;
          }),
        );
        for (const name of Object.keys(g.outputs)) {
          const [got, wanted] = [ours?.[name] as Tensor, theirs?.[name] as Tensor];
          expect(got.shape).toEqual(wanted.shape);
          // A comparison may fall on the other side in float32.
          if (dtype === "float64" || !g.nodes.some(({ op }) => op.type === "LessOrEqual")) {
            expect(difference(got, wanted)).toBeLessThan(tolerance);
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it("runs a backward graph in double precision to the reference's gradients", async () => {
    const x = input("x", [1, 2, 4, 3], "float64");
    const y = softmax(attention(normalize(x, 1e-6), x, x, 1 / Math.sqrt(3)));
    const [dx] = backward(reduceSum(mul(y, y)), [x]);
    const g = graph("gradient", { dx: dx as never });
    const feeds = numbersFor(g.inputs);
    const [ours, theirs] = await Promise.all([executor, reference].map(async (one) => (await one.load(g)).run(feeds)));
    expect(difference(ours?.dx as Tensor, theirs?.dx as Tensor)).toBeLessThan(1e-12);
  });

  it.each(["float32", "float64", "int32", "int64", "uint8", "bool"] as const)("passes %s through", async (dtype) => {
    const x = input("x", [2], dtype);
    const session = await executor.load(graph("through", { y: x, z: x }));
    const fed = tensorOf(dtype as DType, [2], [0, 1]);
    expect(await session.run({ x: fed })).toEqual({ y: fed, z: fed });
  });

  it("feeds what it kept, in any session, until it is released", async () => {
    const [a, b] = [input("a", [2]), input("b", [2])];
    const sum = await executor.load(graph("sum", { next: add(a, b), copy: a }));
    const twice = await executor.load(graph("twice", { y: add(a, a) }));
    const one = floats([2], [1, 2]);
    let kept: Resident = (await sum.run({ a: one, b: one }, ["next"])).next;
    expect(kept).toMatchObject({ dtype: "float32", shape: [2] });
    for (let i = 0; i < 3; i++) {
      const { next } = await sum.run({ a: kept, b: one }, ["next"]);
      await executor.release([kept]);
      kept = next;
    }
    expect(await executor.read(kept)).toEqual(floats([2], [5, 10]));
    expect((await twice.run({ a: kept })).y).toEqual(floats([2], [10, 20]));
    await executor.release([kept]);
    await expect(executor.read(kept)).rejects.toThrow("was released");
    await expect(twice.run({ a: kept })).rejects.toThrow("was released");
  });

  it("takes feeds that lie in shared memory", async () => {
    const session = await executor.load(graph("neg", { y: add(input("x", [2]), input("x2", [2])) }));
    const shared = new Float32Array(new SharedArrayBuffer(8));
    shared.set([1, 2]);
    const fed = tensor("float32", [2], shared);
    expect((await session.run({ x: fed, x2: fed })).y).toEqual(floats([2], [2, 4]));
  });

  it("refuses feeds that are not the graph's inputs, by name", async () => {
    const session = await executor.load(graph("strict", { y: add(input("x", [2]), input("b", [2])) }));
    const fits = floats([2], [1, 2]);
    const refuse = async (feeds: Record<string, Tensor>, message: string | RegExp) => {
      await expect(session.run(feeds)).rejects.toThrow(ShapeError);
      await expect(session.run(feeds)).rejects.toThrow(message);
    };
    await refuse({ x: fits }, "strict: input b is missing; it is float32 [2]");
    await refuse({ x: fits, b: floats([3], [1, 2, 3]) }, "strict: input b: expected float32 [2], got float32 [3]");
    await refuse({ x: fits, b: tensorOf("float64", [2], [1, 2]) }, "expected float32 [2], got float64 [2]");
    await refuse({ x: fits, b: fits, c: fits }, /strict: there is no input c\. It takes [xb], [xb]\./);
    await refuse({ x: fits, b: { ...fits, data: new Float32Array(1) } as Tensor }, "holds 2 elements, got 1");
    await expect(session.run({ x: fits, b: fits }, ["z" as never])).rejects.toThrow("no output z");
  });

  it("refuses weights that are missing or do not fit", async () => {
    const g = graph("frozen", { y: add(input("x", [2]), weight("w", [2])) });
    await expect(executor.load(g)).rejects.toThrow("weight w was not given");
    await expect(executor.load(g, () => floats([1], [1]))).rejects.toThrow(
      "frozen: weight w: expected float32 [2], got float32 [1]",
    );
  });

  it("says which graph ONNX Runtime refused, and why", async () => {
    const engine = new OrtEngine(ort, sessionOptions({}));
    const load = engine.load({ name: "broken", model: new Uint8Array([1, 2, 3]), externalData: [] });
    await expect(load).rejects.toThrow(RuntimeUnavailableError);
    await expect(load).rejects.toThrow(/^broken: ONNX Runtime cannot load the graph: .*protobuf/);
    await expect(engine.run(7, {}, [])).rejects.toThrow("session 7 is closed");
  });

  it("forbids the WebGPU session to fall back to the CPU", () => {
    expect(sessionOptions({ target: "webgpu", extra: { session: { a: "b" }, ep: { c: "d" } } })).toMatchObject({
      executionProviders: ["webgpu"],
      extra: { session: { disable_cpu_ep_fallback: "1", a: "b" }, ep: { c: "d" } },
    });
    expect(sessionOptions({ threads: 3, graphOptimizationLevel: "basic" })).toMatchObject({
      executionProviders: ["cpu"],
      intraOpNumThreads: 3,
      graphOptimizationLevel: "basic",
    });
  });
});
