import { create } from "@bufbuild/protobuf";
import { FormatError } from "../errors.js";
import type { Attributes } from "../graph/value.js";
import { toProto } from "./attributes.js";
import { toElementType } from "./element-type.js";
import {
  type ModelProto,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
} from "./onnx_pb.js";

/**
 * The model for any number of images, made of the same model at two numbers, the first of which is changed: where the two
 * differ, the batch is meant. A Reshape gets `-1` there, an Expand the number found at run time, a constant is repeated,
 * an axis of an input or output gets a name.
 * @param input whose first axis tells the number of images
 * @throws FormatError where the two differ in another way
 */
export function freeBatch(model: ModelProto, twin: ModelProto, input: string, axis: string): ModelProto {
  const [graph, other] = [model.graph, twin.graph];
  if (!graph || !other || graph.node.length !== other.node.length) throw new FormatError("the two models differ");
  for (const kind of ["input", "output"] as const) {
    for (const [i, info] of graph[kind].entries()) nameAxes(info, other[kind][i], axis);
  }
  const added: NodeProto[] = [];
  const tensors = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const twins = new Map(other.initializer.map((tensor) => [tensor.name, tensor]));
  const put = (name: string, dims: readonly bigint[], dataType: number, rawData: Uint8Array<ArrayBuffer>): string => {
    tensors.set(name, create(TensorProtoSchema, { name, dims: [...dims], dataType, rawData }));
    return name;
  };
  const run = (opType: string, name: string, from: string[], attributes: Attributes = {}): string => {
    const attribute = Object.entries(attributes).map(([key, value]) => toProto(key, value));
    added.push(create(NodeProtoSchema, { opType, name, input: from, output: [name], attribute }));
    return name;
  };
  let count: string | undefined;
  /** The shape whose undefined sizes are the number of images. */
  const shape = (name: string, sizes: readonly (bigint | undefined)[]): string => {
    count ??= run("Shape", "batch/Shape", [input], { start: 0, end: 1 });
    const known = count;
    const parts = sizes.map((size, i) =>
      size === undefined ? known : put(`${name}.${i}`, [1n], int64, bytesOf([size])),
    );
    return run("Concat", name, parts, { axis: 0 });
  };

  const replaced = new Map<string, string>();
  const replace = (reader: NodeProto, now: TensorProto, then: TensorProto): string => {
    tensors.delete(now.name);
    if (now.dataType !== int64) {
      // A constant with a row for each image, all alike.
      const [images = 1n, ...rest] = now.dims;
      const row = now.rawData.slice(0, now.rawData.length / Number(images));
      const target = shape(`batch/${now.name}.shape`, [undefined, ...rest]);
      return run("Expand", `batch/${now.name}`, [put(now.name, [1n, ...rest], now.dataType, row), target]);
    }
    const [sizes, others] = [int64sOf(now), int64sOf(then)];
    const free = sizes.map((size, i) => (size === others[i] ? size : undefined));
    if (reader.opType === "Reshape" && free.filter((size) => size === undefined).length === 1) {
      return put(now.name, now.dims, int64, bytesOf(free.map((size) => size ?? -1n)));
    }
    if (reader.opType === "Expand") return shape(`batch/${now.name}`, free);
    throw new FormatError(`${reader.name}: ${reader.opType} cannot do without the number of images`);
  };
  for (const node of graph.node) {
    node.input = node.input.map((name) => {
      const [now, then] = [tensors.get(name), twins.get(name)];
      const known = replaced.get(name);
      if (known !== undefined || !now || !then || isSame(now, then)) return known ?? name;
      const found = replace(node, now, then);
      replaced.set(name, found);
      return found;
    });
  }
  graph.initializer = [...tensors.values()];
  // What was added needs the input and constants alone, so it may stand before everything else.
  graph.node = [...added, ...graph.node];
  return model;
}

const int64 = toElementType("int64");

function nameAxes({ type }: ValueInfoProto, twin: ValueInfoProto | undefined, axis: string): void {
  if (type?.value.case !== "tensorType" || twin?.type?.value.case !== "tensorType") return;
  const others = twin.type.value.value.shape?.dim ?? [];
  for (const [i, dim] of (type.value.value.shape?.dim ?? []).entries()) {
    if (dim.value.value !== others[i]?.value.value) dim.value = { case: "dimParam", value: axis };
  }
}

const isSame = (a: TensorProto, b: TensorProto): boolean =>
  String(a.dims) === String(b.dims) && (a.dataType !== int64 || String(int64sOf(a)) === String(int64sOf(b)));

const int64sOf = ({ rawData }: TensorProto): bigint[] => {
  const view = new DataView(rawData.buffer, rawData.byteOffset, rawData.byteLength);
  return Array.from({ length: rawData.length / 8 }, (_, i) => view.getBigInt64(8 * i, true));
};

const bytesOf = (values: readonly bigint[]): Uint8Array<ArrayBuffer> =>
  new Uint8Array(BigInt64Array.from(values).buffer);
