import { create, fromBinary } from "@bufbuild/protobuf";
import type { Graph } from "../graph/graph.js";
import type { Tensor } from "../graph/tensor.js";
import { freeBatch } from "./batch-axis.js";
import { byteCount, toBytes, toElementType } from "./element-type.js";
import { encode } from "./encode.js";
import { lower } from "./lower.js";
import { type GraphProto, type ModelProto, ModelProtoSchema, StringStringEntryProtoSchema } from "./onnx_pb.js";

/** A weight of a model that is to be written; its bytes are made when they are asked for. */
export interface ModelWeight {
  readonly name: string;
  /** ONNX's number of the element type. */
  readonly dataType: number;
  readonly shape: readonly number[];
  readonly byteLength: number;
  /** Little-endian. */
  bytes(): Uint8Array;
}

/** A model for other people's runtimes: its graph, and the weights beside it, of which protobuf would make copies. */
export interface Model {
  readonly proto: ModelProto & { readonly graph: GraphProto };
  readonly weights: readonly ModelWeight[];
}

/**
 * The model of a network in ONNX's own operators, for any number of images: the axis `batch_size`.
 * @param build the network's graph for a number of images
 * @param input whose first axis is the number of images
 * @param metadata texts that travel with the model
 */
export function buildModel(
  build: (batch: number) => Graph,
  input: string,
  weights: (name: string) => Tensor,
  metadata: Readonly<Record<string, string>>,
): Model {
  // What WebGPU has are standard operators alone. Two numbers that no other axis has by chance: a reshape to the very
  // same shape makes no node.
  const [first, second] = [101, 103].map((batch) => lower(build(batch), "webgpu")) as [Graph, Graph];
  const [one, other] = [first, second].map((graph) => fromBinary(ModelProtoSchema, encode(graph).model)) as [
    ModelProto,
    ModelProto,
  ];
  const proto = freeBatch(one, other, input, "batch_size");
  const names = new Set(first.weights.map(({ name }) => name));
  const { graph } = proto;
  if (!graph) throw new Error("a model without a graph");
  graph.initializer = graph.initializer.filter(({ name }) => !names.has(name));
  proto.metadataProps = Object.entries(metadata).map(([key, value]) =>
    create(StringStringEntryProtoSchema, { key, value }),
  );
  return {
    proto: Object.assign(proto, { graph }),
    weights: first.weights.map(({ name, dtype, shape }) => ({
      name,
      dataType: toElementType(dtype),
      shape,
      byteLength: byteCount(dtype, shape),
      bytes: () => toBytes(weights(name)),
    })),
  };
}
