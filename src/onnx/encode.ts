import { create, toBinary } from "@bufbuild/protobuf";
import type { Graph } from "../graph/graph.js";
import { type DType, type Shape, type Tensor, tensorOf } from "../graph/tensor.js";
import type { Node, Weight } from "../graph/value.js";
import { domainOf, operandsOf, toProto } from "./attributes.js";
import { byteCount, toBytes, toElementType } from "./element-type.js";
import { nameGraph } from "./names.js";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from "./onnx_pb.js";

/** Where the bytes of a weight lie beside the model. */
export interface Place {
  readonly location: string;
  readonly offset: number;
}

/** An ONNX model without its weights, and where it looks for them, by name. */
export interface EncodedGraph {
  readonly model: Uint8Array<ArrayBuffer>;
  readonly weights: ReadonlyMap<string, Place>;
}

/** Above 10 ONNX Runtime 1.30 may refuse the file; 21 is the newest opset that belongs to it. */
const irVersion = 10n;
const opset = 21n;

/**
 * A graph as an ONNX model. Weights are named but not contained: protobuf would copy them twice.
 * @param place where each weight lies; by default each is a file of its own, `weight.0`, `weight.1`, …
 * @throws Error where two values have one name
 */
export function encode(
  graph: Graph,
  place: (weight: Weight, index: number) => Place = (_, index) => ({ location: `weight.${index}`, offset: 0 }),
): EncodedGraph {
  const names = nameGraph(graph);
  const weights = new Map(graph.weights.map((weight, index) => [weight.name, place(weight, index)]));
  const initializer = graph.weights.map((weight) => externalTensor(weight, weights.get(weight.name) as Place));
  for (const [value, name] of names.values) {
    if (value.kind === "constant") initializer.push(inlineTensor(name, value.tensor));
  }

  const encodeNode = ({ op, attributes, inputs, outputs }: Node, name: string) => {
    const input = inputs.map((value) => names.values.get(value) as string);
    const operands = operandsOf(op.type);
    for (const operand of operands) {
      const list = attributes[operand];
      if (list !== undefined && !Array.isArray(list)) throw new Error(`${name}: ${operand} is not a list`);
      if (list) initializer.push(inlineTensor(`${name}.${operand}`, tensorOf("int64", [list.length], list)));
      input.push(list ? `${name}.${operand}` : "");
    }
    return create(NodeProtoSchema, {
      name,
      domain: domainOf(op.type),
      opType: op.type,
      input: withoutEmptyTail(input),
      output: outputs.map((value) => names.values.get(value) as string),
      attribute: Object.entries(attributes)
        .filter(([key]) => !operands.includes(key))
        .map(([key, value]) => toProto(key, value)),
    });
  };
  const node = graph.nodes.map((item) => encodeNode(item, names.nodes.get(item) as string));
  // ONNX has no second name for a value, nor an output that is no node's.
  for (const [key, value] of Object.entries(graph.outputs)) {
    const source = names.values.get(value) as string;
    if (source === key) continue;
    node.push(create(NodeProtoSchema, { name: `output/${key}`, opType: "Identity", input: [source], output: [key] }));
  }

  const domains = new Set(["", ...node.map(({ domain }) => domain)]);
  const model = create(ModelProtoSchema, {
    irVersion,
    producerName: "sas-petl",
    opsetImport: [...domains].map((domain) => ({ domain, version: domain === "" ? opset : 1n })),
    graph: create(GraphProtoSchema, {
      name: graph.name,
      node,
      initializer,
      input: graph.inputs.map(({ name, dtype, shape }) => valueInfo(name, dtype, shape)),
      output: Object.entries(graph.outputs).map(([name, { dtype, shape }]) => valueInfo(name, dtype, shape)),
    }),
  });
  return { model: toBinary(ModelProtoSchema, model), weights };
}

const withoutEmptyTail = (names: readonly string[]): string[] =>
  names.slice(0, names.findLastIndex((name) => name !== "") + 1);

const valueInfo = (name: string, dtype: DType, shape: Shape) =>
  create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: "tensorType",
        value: {
          elemType: toElementType(dtype),
          shape: { dim: shape.map((size) => ({ value: { case: "dimValue" as const, value: BigInt(size) } })) },
        },
      },
    },
  });

const inlineTensor = (name: string, tensor: Tensor) =>
  create(TensorProtoSchema, {
    name,
    dims: tensor.shape.map(BigInt),
    dataType: toElementType(tensor.dtype),
    rawData: toBytes(tensor) as Uint8Array<ArrayBuffer>,
  });

const externalTensor = ({ name, dtype, shape }: Weight, { location, offset }: Place) =>
  create(TensorProtoSchema, {
    name,
    dims: shape.map(BigInt),
    dataType: toElementType(dtype),
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: [
      { key: "location", value: location },
      { key: "offset", value: String(offset) },
      { key: "length", value: String(byteCount(dtype, shape)) },
    ],
  });
