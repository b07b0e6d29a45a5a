import { fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  add,
  constant,
  graph,
  input,
  matmul,
  normalize,
  reduceSum,
  reshape,
  scope,
  split,
  tensorOf,
  weight,
} from "../../src/graph/index.js";
import { decode } from "../../src/onnx/decode.js";
import { encode } from "../../src/onnx/encode.js";
import { ModelProtoSchema, TensorProto_DataLocation } from "../../src/onnx/onnx_pb.js";
import { describeGraph, randomGraph } from "./random-graph.js";

const parse = (model: Uint8Array) => {
  const proto = fromBinary(ModelProtoSchema, model);
  if (!proto.graph) throw new Error("no graph");
  return { ...proto, graph: proto.graph };
};

const x = input("x", [2, 3]);

describe("encode", () => {
  it("is undone by decode, for any graph", () => {
    fc.assert(
      fc.property(randomGraph("float32"), (g) => {
        const { model, weights } = encode(g);
        const back = decode(model, "random");
        expect(describeGraph(back.graph)).toEqual(describeGraph(g));
        expect(back.weights).toEqual(weights);
      }),
      { numRuns: 300 },
    );
  });

  it("gives equal bytes for graphs that were built alike", () => {
    const build = () =>
      graph("g", {
        y: scope("blocks.0", () => add(matmul(x, weight("w", [3, 3])), constant(tensorOf("float32", [], [2])))),
      });
    expect(encode(build()).model).toEqual(encode(build()).model);
  });

  it("names nodes after their scope and counts per operator", () => {
    const h = scope("blocks.3", () => scope("attn", () => add(add(x, x), x)));
    const { node } = parse(encode(graph("g", { y: add(h, h) })).model).graph;
    expect(node.map(({ name }) => name)).toEqual(["blocks.3.attn/Add_0", "blocks.3.attn/Add_1", "Add_0"]);
    expect(node.map(({ output }) => output)).toEqual([["blocks.3.attn/Add_0"], ["blocks.3.attn/Add_1"], ["y"]]);
  });

  it("lets users' names win over generated ones", () => {
    const y = add(input("Add_0", [2]), input("constant_0", [2]));
    const { node } = parse(encode(graph("g", { y: add(y, constant(tensorOf("float32", [2], [1, 2]))) })).model).graph;
    expect(node.map(({ input: names }) => names)).toEqual([
      ["Add_0", "constant_0"],
      ["Add_1", "constant_1"],
    ]);
  });

  it("leaves weights outside, where it was told to", () => {
    const y = matmul(matmul(x, weight("a", [3, 2])), weight("b", [2, 3]));
    const { model, weights } = encode(graph("g", { y }), (_, index) => ({ location: "all.bin", offset: 64 * index }));
    expect([...weights]).toEqual([
      ["a", { location: "all.bin", offset: 0 }],
      ["b", { location: "all.bin", offset: 64 }],
    ]);
    const [a] = parse(model).graph.initializer;
    expect(a?.dataLocation).toBe(TensorProto_DataLocation.EXTERNAL);
    expect(a?.rawData).toHaveLength(0);
    expect(a?.externalData.map(({ value }) => value)).toEqual(["all.bin", "0", "24"]);
  });

  it("grows by no byte with the size of a weight's data", () => {
    const size = (n: number) => encode(graph("g", { y: matmul(input("x", [n, n]), weight("w", [n, n])) })).model.length;
    expect(size(120)).toBe(size(100));
  });

  it("says IR 10, opset 21, and ONNX Runtime's own domain only where it is used", () => {
    const plain = parse(encode(graph("g", { y: add(x, x) })).model);
    expect(plain.irVersion).toBe(10n);
    expect(plain.opsetImport.map(({ domain, version }) => [domain, version])).toEqual([["", 21n]]);
    const fused = parse(encode(graph("g", { y: matmul(x, x, { transB: true }) })).model);
    expect(fused.opsetImport.map(({ domain, version }) => [domain, version])).toEqual([
      ["", 21n],
      ["com.microsoft", 1n],
    ]);
    expect(fused.graph.node[0]).toMatchObject({ domain: "com.microsoft", opType: "FusedMatMul" });
  });

  it("passes shapes and axes as int64 inputs", () => {
    const { node, initializer } = parse(encode(graph("g", { y: reduceSum(reshape(x, [3, 2]), [1]) })).model).graph;
    expect(node.map(({ input: names }) => names)).toEqual([
      ["x", "Reshape_0.shape"],
      ["Reshape_0", "ReduceSum_0.axes"],
    ]);
    expect(initializer.map(({ rawData }) => [...new BigInt64Array(rawData.slice().buffer)])).toEqual([[3n, 2n], [1n]]);
  });

  it("names every output, read or not: ONNX Runtime crashes on a Split with a nameless one", () => {
    const [, second] = split(x, 1, [1, 2]);
    const { node } = parse(encode(graph("g", { y: second as never })).model).graph;
    expect(node[0]?.output).toEqual(["Split_0", "y"]);
    expect(parse(encode(graph("g", { y: normalize(x, 1e-6) })).model).graph.node[0]?.output).toHaveLength(2);
  });

  it("refuses an output that has the name of an input", () => {
    expect(() => encode(graph("g", { x: add(x, x) }))).toThrow("graph g: the output x has the name of an input");
  });
});
