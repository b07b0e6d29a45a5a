import { create, fromBinary } from "@bufbuild/protobuf";
import type { Graph } from "../graph/graph.js";
import type { Tensor } from "../graph/tensor.js";
import { freeBatch } from "./batch-axis.js";
import { byteCount, toBytes, toElementType } from "./element-type.js";
import { encode } from "./encode.js";
import { lower } from "./lower.js";
import { type GraphProto, type ModelProto, ModelProtoSchema, StringStringEntryProtoSchema } from "./onnx_pb.js";
import { splitAtInputs } from "./split.js";

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

/** What a graph that needs no feeds computes. */
export type Compute = (graph: Graph) => Promise<Readonly<Record<string, Tensor>>>;

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
 * @param compute what depends on weights alone, so that it is not in the model
 */
export async function buildModel(
  build: (batch: number) => Graph,
  input: string,
  weights: (name: string) => Tensor,
  metadata: Readonly<Record<string, string>>,
  compute: Compute,
): Promise<Model> {
  // Two numbers that no other axis has by chance: a reshape to the very same shape makes no node.
  const [first, second] = [splitAtInputs(build(101)), splitAtInputs(build(103))];
  const computed = first.before ? await compute(first.before) : {};
  // What WebGPU has are standard operators alone.
  const [graph, twin] = [first, second].map(({ rest }) => lower(rest, "webgpu")) as [Graph, Graph];
  const read = (of: Graph): ModelProto => fromBinary(ModelProtoSchema, encode(of).model);
  const proto = freeBatch(read(graph), read(twin), input, "batch_size");
  const names = new Set(graph.weights.map(({ name }) => name));
  if (!proto.graph) throw new Error("a model without a graph");
  proto.graph.initializer = proto.graph.initializer.filter(({ name }) => !names.has(name));
  proto.metadataProps = Object.entries(metadata).map(([key, value]) =>
    create(StringStringEntryProtoSchema, { key, value }),
  );
  return {
    proto: Object.assign(proto, { graph: proto.graph }),
    weights: graph.weights.map(({ name, dtype, shape }) => ({
      name,
      dataType: toElementType(dtype),
      shape,
      byteLength: byteCount(dtype, shape),
      bytes: () => toBytes(computed[name] ?? weights(name)),
    })),
  };
}
