import { fromBinary } from "@bufbuild/protobuf";
import { FormatError } from "../errors.js";
import { type Graph, graph } from "../graph/graph.js";
import { applyAll, registry } from "../graph/op.js";
import { type DType, type Shape, sameShape, type Tensor, toNumbers } from "../graph/tensor.js";
import { type Attributes, constant, input, scope, type Value, weight } from "../graph/value.js";
import { domainOf, fromProto, operandsOf } from "./attributes.js";
import { byteCount, fromBytes, fromElementType } from "./element-type.js";
import type { Place } from "./encode.js";
import {
  type GraphProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  TensorProto_DataLocation,
  type ValueInfoProto,
} from "./onnx_pb.js";

/** A graph that was read back, and where its weights lie, by name. */
export interface DecodedGraph {
  readonly graph: Graph;
  readonly weights: ReadonlyMap<string, Place>;
}

/**
 * The graph of an ONNX model that `encode` could have written: known operators, fixed shapes, no control flow.
 * @param source what the bytes are, for errors: a file name
 * @throws FormatError where the bytes are no such model
 */
export function decode(bytes: Uint8Array, source: string): DecodedGraph {
  try {
    const { graph: proto, opsetImport } = fromBinary(ModelProtoSchema, bytes);
    const version = opsetImport.find(({ domain }) => domain === "")?.version;
    if (!proto || version === undefined) throw new FormatError("it has no graph, or no opset");
    if (version !== 21n) throw new FormatError(`expected opset 21, got ${version}`);
    return decodeGraph(proto);
  } catch (error) {
    // Whatever is wrong in a foreign file, a stack overflow of its nesting included, is the file's fault.
    const reason = error instanceof Error ? error.message : String(error);
    throw new FormatError(`${source}: not an ONNX model that this package writes: ${reason}. Export it anew.`, {
      cause: error,
    });
  }
}

function decodeGraph(proto: GraphProto): DecodedGraph {
  const values = new Map<string, Value>();
  const weights = new Map<string, Place>();
  const put = (name: string, value: Value) => {
    if (name === "" || values.has(name)) throw new FormatError(`two values are called ${JSON.stringify(name)}`);
    values.set(name, value);
  };
  const get = (name: string): Value => {
    const value = values.get(name);
    if (!value) throw new FormatError(`nothing before its use makes ${JSON.stringify(name)}`);
    return value;
  };

  for (const info of proto.input) put(info.name, input(info.name, ...typeOf(info)));
  for (const item of proto.initializer) {
    const [shape, dtype] = [item.dims.map(toSize), toDType(item.dataType)];
    if (item.dataLocation === TensorProto_DataLocation.EXTERNAL) {
      weights.set(item.name, placeOf(item, dtype, shape));
      put(item.name, weight(item.name, shape, dtype));
    } else {
      put(item.name, constant(inlineTensor(item, dtype, shape)));
    }
  }
  for (const node of proto.node) {
    const outputs = isRenaming(node) ? [get(node.input[0] ?? "")] : applyNode(node, get);
    if (node.output.length > outputs.length) throw new FormatError(`${node.name} has too many outputs`);
    for (const [i, name] of node.output.entries()) if (name !== "") put(name, outputs[i] as Value);
  }
  const outputs: Record<string, Value> = Object.create(null);
  for (const info of proto.output) {
    const value = get(info.name);
    const [shape, dtype] = typeOf(info);
    if (!sameShape(shape, value.shape) || dtype !== value.dtype) {
      throw new FormatError(`output ${info.name} says ${dtype} [${shape}], it is ${value.dtype} [${value.shape}]`);
    }
    outputs[info.name] = value;
  }
  return { graph: graph(proto.name, { ...outputs }), weights };
}

/** True of the nodes that `encode` adds where an output is no node's, or another output's too. */
const isRenaming = ({ opType, name, output }: NodeProto): boolean =>
  opType === "Identity" && name === `output/${output[0]}`;

function applyNode(node: NodeProto, get: (name: string) => Value): readonly Value[] {
  const type = node.opType;
  const op = registry.get(type);
  if (!op || node.domain !== domainOf(type))
    throw new FormatError(`${node.name}: no operator ${JSON.stringify(type)} is known`);
  const attributes: Record<string, Attributes[string]> = {};
  for (const attribute of node.attribute) {
    const value = fromProto(attribute);
    if (value === undefined) throw new FormatError(`${node.name}: attribute ${attribute.name} is of no known kind`);
    attributes[attribute.name] = value;
  }
  const operands = operandsOf(type);
  // Every operator of that table has one input of its own.
  const own = operands.length > 0 ? 1 : node.input.length;
  for (const [i, name] of node.input.slice(own).entries()) {
    if (name === "") continue;
    const [operand, value] = [operands[i], get(name)];
    if (operand === undefined || value.kind !== "constant" || value.dtype !== "int64") {
      throw new FormatError(`${node.name}: input ${own + i} is not a constant int64 list`);
    }
    attributes[operand] = [...toNumbers(value.tensor)];
  }
  const slash = node.name.lastIndexOf("/");
  return scope(node.name.slice(0, Math.max(slash, 0)), () =>
    applyAll(op, node.input.slice(0, own).map(get), attributes),
  );
}

function typeOf({ name, type }: ValueInfoProto): readonly [Shape, DType] {
  if (type?.value.case !== "tensorType") throw new FormatError(`${name} is not a tensor`);
  const { elemType, shape } = type.value.value;
  const sizes = shape?.dim.map(({ value }) => {
    if (value.case !== "dimValue") throw new FormatError(`${name} has no fixed shape`);
    return toSize(value.value);
  });
  return [sizes ?? [], toDType(elemType)];
}

function toDType(type: number): DType {
  const dtype = fromElementType(type);
  if (!dtype) throw new FormatError(`element type ${type} is not supported`);
  return dtype;
}

function toSize(size: bigint): number {
  if (size < 0n || size > 0x7fffffffn) throw new FormatError(`${size} is no size of an axis`);
  return Number(size);
}

function inlineTensor({ name, rawData }: TensorProto, dtype: DType, shape: Shape): Tensor {
  // Compared before memory is taken: the shape may claim anything.
  if (rawData.length !== byteCount(dtype, shape)) {
    throw new FormatError(`${name}: ${dtype} [${shape}] takes ${byteCount(dtype, shape)} bytes, got ${rawData.length}`);
  }
  return fromBytes(dtype, shape, rawData);
}

function placeOf({ name, externalData }: TensorProto, dtype: DType, shape: Shape): Place {
  const { location, offset, length } = Object.fromEntries(externalData.map(({ key, value }) => [key, value]));
  if (!location || !/^\d{1,15}$/.test(offset ?? "") || length !== String(byteCount(dtype, shape))) {
    throw new FormatError(`${name}: its place outside the model is incomplete, or its length does not fit its shape`);
  }
  return { location, offset: Number(offset) };
}
