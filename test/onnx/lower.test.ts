import { describe, expect, it } from "vitest";
import { RuntimeUnavailableError } from "../../src/errors.js";
import {
  attention,
  backward,
  concat,
  type DType,
  erf,
  type Graph,
  gelu,
  graph,
  input,
  logSoftmax,
  matmul,
  normalize,
  reduceSum,
  scope,
  softmax,
  split,
  tensorOf,
  transpose,
  type Value,
} from "../../src/graph/index.js";
import { lower, type OrtTarget } from "../../src/onnx/lower.js";
import { ReferenceExecutor } from "../../src/run/reference.js";

const typesIn = ({ nodes }: Graph) => [...new Set(nodes.map(({ op }) => op.type))];
const x = (dtype: DType = "float32") => input("x", [2, 4, 4], dtype);
const all: readonly OrtTarget[] = ["cpu", "wasm", "webgpu"];

describe("lower", () => {
  it("returns the graph itself where the target has everything", () => {
    const g = graph("g", { y: softmax(x()) });
    for (const target of all) expect(lower(g, target)).toBe(g);
  });

  it("expands what only we have, on every target", () => {
    const v = x();
    const g = graph("g", { y: attention(normalize(v, 1e-6), v, v, 0.5) });
    expect(typesIn(lower(g, "cpu"))).toEqual(["LayerNormalization", "FusedMatMul", "Softmax", "MatMul"]);
    // Twice over: attention becomes FusedMatMul, which WebGPU lacks.
    expect(typesIn(lower(g, "webgpu"))).toEqual(["LayerNormalization", "Transpose", "MatMul", "Mul", "Softmax"]);
  });

  it("expands LogSoftmax on WebGPU alone", () => {
    const g = graph("g", { y: logSoftmax(x()) });
    expect(lower(g, "cpu")).toBe(g);
    expect(typesIn(lower(g, "webgpu"))).not.toContain("LogSoftmax");
  });

  it("moves bytes as int32 on WebGPU", () => {
    const images = input("images", [2, 3], "uint8");
    const g = graph("g", { y: transpose(images, [1, 0]) });
    expect(lower(g, "wasm")).toBe(g);
    const lowered = lower(g, "webgpu");
    expect(lowered.nodes.map(({ op, outputs }) => [op.type, outputs[0]?.dtype])).toEqual([
      ["Cast", "int32"],
      ["Transpose", "int32"],
      ["Cast", "uint8"],
    ]);
    expect(lowered.inputs).toEqual([images]);
  });

  it("joins and cuts many tensors on WebGPU in groups that a shader has room for", async () => {
    const many = Array.from({ length: 60 }, (_, i) => input(`x${String(i).padStart(2, "0")}`, [2, 1 + (i % 3)]));
    const joined = concat(many, 1);
    const parts = split(
      joined,
      1,
      many.map(({ shape }) => shape[1] as number),
    );
    const g = graph("g", { joined, last: parts[59] as Value, first: parts[0] as Value });
    expect(lower(g, "wasm")).toBe(g);
    const lowered = lower(g, "webgpu");
    expect(Math.max(...lowered.nodes.map(({ inputs, outputs }) => inputs.length + outputs.length))).toBeLessThanOrEqual(
      8,
    );
    const feeds = Object.fromEntries(
      many.map(({ name, shape }, i) => [
        name,
        tensorOf(
          "float32",
          shape,
          Array.from({ length: 2 * (1 + (i % 3)) }, (_, j) => 10 * i + j),
        ),
      ]),
    );
    const run = async (one: Graph) => (await new ReferenceExecutor().load(one)).run(feeds);
    expect(await run(lowered)).toEqual(await run(g));
  });

  it("keeps names, shapes, scopes and attributes", () => {
    const v = x();
    const g = graph("g", { a: v, y: scope("head", () => matmul(logSoftmax(v), v, { transB: true, alpha: 0.5 })) });
    const lowered = lower(g, "webgpu");
    expect(Object.keys(lowered.outputs)).toEqual(["a", "y"]);
    expect(lowered.outputs.y?.shape).toEqual([2, 4, 4]);
    expect(new Set(lowered.nodes.map((node) => node.scope))).toEqual(new Set(["head"]));
  });

  it("lowers a backward graph", () => {
    const v = x();
    const [dx] = backward(reduceSum(gelu(attention(normalize(v, 1e-6), v, v, 0.5))), [v]);
    for (const target of all) {
      const types = typesIn(lower(graph("g", { dx: dx as never }), target));
      for (const type of ["Attention", "Normalize"]) expect(types).not.toContain(type);
      expect(types.includes("FusedMatMul")).toBe(target !== "webgpu");
    }
  });

  it("names operator, scope, target and reason where nothing can be done", () => {
    const g = graph("g", { y: scope("blocks.0.mlp", () => erf(x("float64"))) });
    expect(() => lower(g, "cpu")).toThrow(RuntimeUnavailableError);
    expect(() => lower(g, "cpu")).toThrow(/blocks\.0\.mlp: Erf cannot run on cpu: .*double precision/);
    const doubles = graph("g", { y: softmax(x("float64")) });
    expect(() => lower(doubles, "webgpu")).toThrow(/Softmax cannot run on webgpu: WGSL has no double precision/);
  });

  it("decomposes in double precision what has no such kernel", () => {
    const v = x("float64");
    expect(typesIn(lower(graph("g", { y: normalize(v, 1e-6) }), "cpu"))).not.toContain("LayerNormalization");
    expect(typesIn(lower(graph("g", { y: matmul(v, v, { transB: true }) }), "cpu"))).toEqual(["Transpose", "MatMul"]);
  });
});
