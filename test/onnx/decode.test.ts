import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/errors.js";
import {
  constant,
  graph,
  input,
  matmul,
  reduceSum,
  reshape,
  softmax,
  tensorOf,
  weight,
} from "../../src/graph/index.js";
import { decode } from "../../src/onnx/decode.js";
import { encode } from "../../src/onnx/encode.js";
import { AttributeProtoSchema, GraphProtoSchema, ModelProtoSchema, TensorProtoSchema } from "../../src/onnx/onnx_pb.js";

const y = reshape(softmax(matmul(input("x", [2, 3]), weight("w", [3, 3]))), [6]);
const sample = encode(
  graph("g", { y: reduceSum(matmul(reshape(y, [2, 3]), constant(tensorOf("float32", [3, 1], [1, 2, 3])))) }),
);

const refuse = (bytes: Uint8Array, message?: string | RegExp) => {
  expect(() => decode(bytes, "bad.onnx")).toThrow(FormatError);
  expect(() => decode(bytes, "bad.onnx")).toThrow(/^bad\.onnx: /);
  if (message) expect(() => decode(bytes, "bad.onnx")).toThrow(message);
};

const opsetImport = [{ domain: "", version: 21n }];
type GraphInit = NonNullable<Parameters<typeof create<typeof GraphProtoSchema>>[1]>;
const modelOf = (init: GraphInit, opset = opsetImport) =>
  toBinary(ModelProtoSchema, create(ModelProtoSchema, { opsetImport: opset, graph: create(GraphProtoSchema, init) }));

describe("decode refuses", () => {
  it("every truncation", () => {
    for (let length = 0; length < sample.model.length; length++) refuse(sample.model.subarray(0, length));
  });

  it("random bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => refuse(bytes)),
      { numRuns: 500 },
    );
  });

  it("or reads, but never crashes on, a model with a changed byte", () => {
    fc.assert(
      fc.property(fc.nat(sample.model.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const bytes = sample.model.with(at, byte);
        try {
          decode(bytes, "bad.onnx");
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("another opset, and none", () => {
    refuse(modelOf({}, [{ domain: "", version: 13n }]), "expected opset 21, got 13");
    refuse(modelOf({}, []), "no opset");
  });

  it("a shape that claims 2^60 bytes, before memory is taken", () => {
    const dims = [1n << 30n, 1n << 30n];
    refuse(modelOf({ initializer: [{ name: "c", dims, dataType: 1, rawData: new Uint8Array(8) }] }), "got 8");
    refuse(modelOf({ initializer: [{ name: "c", dims: [1n << 60n], dataType: 1 }] }), "no size of an axis");
    refuse(modelOf({ initializer: [{ name: "c", dims: [-1n], dataType: 1 }] }), "no size of an axis");
  });

  it("unknown operators, types and attributes", () => {
    const node = { name: "n", input: ["x"], output: ["y"] };
    const value = { dataType: 1, dims: [], rawData: new Uint8Array(4) };
    const initializer = [create(TensorProtoSchema, { name: "x", ...value })];
    refuse(modelOf({ initializer, node: [{ ...node, opType: "Loop" }] }), 'no operator "Loop"');
    refuse(modelOf({ initializer, node: [{ ...node, opType: "Neg", domain: "evil" }] }), "no operator");
    refuse(modelOf({ initializer: [{ name: "x", dataType: 8 }] }), "element type 8");
    const attribute = [create(AttributeProtoSchema, { name: "body", type: 5 })];
    refuse(modelOf({ initializer, node: [{ ...node, opType: "Neg", attribute }] }), "attribute body");
  });

  it("values from nowhere and names given twice", () => {
    refuse(modelOf({ node: [{ name: "n", opType: "Neg", input: ["later"], output: ["y"] }] }), '"later"');
    const c = { name: "c", dataType: 1, rawData: new Uint8Array(4) };
    refuse(modelOf({ initializer: [c, c] }), 'two values are called "c"');
  });

  it("weights without a usable place", () => {
    const weightAt = (externalData: { key: string; value: string }[]) =>
      modelOf({ initializer: [{ name: "w", dims: [2n], dataType: 1, dataLocation: 1, externalData }] });
    refuse(weightAt([]), "w: its place");
    refuse(
      weightAt([
        { key: "location", value: "a" },
        { key: "offset", value: "-1" },
        { key: "length", value: "8" },
      ]),
    );
    refuse(
      weightAt([
        { key: "location", value: "a" },
        { key: "offset", value: "0" },
        { key: "length", value: "9" },
      ]),
    );
  });

  it("a nesting deeper than the stack", () => {
    // attribute { g { node { attribute { g … } } } }, each level around the one before.
    const wrap = (field: number, bytes: number[]) => [(field << 3) | 2, ...varint(bytes.length), ...bytes];
    let bytes: number[] = [];
    for (let depth = 0; depth < 2000; depth++) bytes = wrap(1, wrap(5, wrap(6, bytes)));
    refuse(Uint8Array.from(wrap(7, bytes)));
  });
});

const varint = (n: number): number[] => (n < 128 ? [n] : [(n % 128) + 128, ...varint(Math.floor(n / 128))]);
