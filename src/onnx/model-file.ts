import { create, toBinary } from "@bufbuild/protobuf";
import type { Place } from "./encode.js";
import type { Model, ModelWeight } from "./model.js";
import { GraphProtoSchema, ModelProtoSchema, TensorProto_DataLocation, TensorProtoSchema } from "./onnx_pb.js";

/** The bytes of a file, one piece after the other, and how many they are. */
export interface FilePieces {
  readonly byteLength: number;
  readonly pieces: Iterable<Uint8Array>;
}

/** A model as files: one, or one with the weights beside it. */
export interface ModelFiles {
  readonly model: FilePieces;
  readonly data?: FilePieces;
}

/** The most that is kept in one file: protobuf ends at 2 GiB. */
export const largestModel = 1.5 * 2 ** 30;

/** Bytes of a model's weights. */
export const weightBytes = ({ weights }: Model): number => weights.reduce((sum, { byteLength }) => sum + byteLength, 0);

/**
 * The file of a model that holds its weights. They are not encoded but laid into the gaps of what is, so no second copy
 * of them is made.
 */
export function inlineModel({ proto, weights }: Model): ModelFiles {
  const { graph, ...rest } = proto;
  const head = toBinary(ModelProtoSchema, create(ModelProtoSchema, rest));
  const plain = toBinary(GraphProtoSchema, graph);
  const records = weights.map((weight) => {
    const { name, dataType, shape, byteLength } = weight;
    const described = toBinary(
      TensorProtoSchema,
      create(TensorProtoSchema, { name, dataType, dims: shape.map(BigInt) }),
    );
    const before = join(described, prefix(fields.rawData, byteLength));
    const record = prefix(fields.initializer, before.length + byteLength);
    return { weight, start: join(record, before) };
  });
  const graphLength = records.reduce((sum, { weight, start }) => sum + start.length + weight.byteLength, plain.length);
  const start = join(head, prefix(fields.graph, graphLength));
  function* pieces() {
    yield start;
    yield plain;
    for (const record of records) {
      yield record.start;
      yield record.weight.bytes();
    }
  }
  return { model: { byteLength: start.length + graphLength, pieces: pieces() } };
}

/**
 * The files of a model whose weights lie in a second file.
 * @param location name of that file, in the model's folder
 */
export function outlineModel({ proto, weights }: Model, location: string): ModelFiles {
  let end = 0;
  const placed = weights.map((weight) => {
    // Where pages begin, so that a runtime may map the file into its memory.
    const offset = Math.ceil(end / pageBytes) * pageBytes;
    const gap = offset - end;
    end = offset + weight.byteLength;
    return { weight, gap, offset };
  });
  const model = describeModel({ proto, weights }, (_, i) => ({ location, offset: placed[i]?.offset ?? 0 }));
  function* pieces() {
    for (const { weight, gap } of placed) {
      yield new Uint8Array(gap);
      yield weight.bytes();
    }
  }
  return {
    model: { byteLength: model.length, pieces: [model] },
    data: { byteLength: end, pieces: pieces() },
  };
}

const pageBytes = 4096;

/**
 * The model without the bytes of its weights.
 * @param place says where those of each weight lie
 */
export function describeModel(
  { proto, weights }: Model,
  place: (weight: ModelWeight, index: number) => Place,
): Uint8Array<ArrayBuffer> {
  const outside = weights.map((weight, i) => describeOutside(weight, place(weight, i)));
  const graph = create(GraphProtoSchema, { ...proto.graph, initializer: [...outside, ...proto.graph.initializer] });
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, { ...proto, graph }));
}

const describeOutside = ({ name, dataType, shape, byteLength }: ModelWeight, { location, offset }: Place) =>
  create(TensorProtoSchema, {
    name,
    dataType,
    dims: shape.map(BigInt),
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: [
      { key: "location", value: location },
      { key: "offset", value: String(offset) },
      { key: "length", value: String(byteLength) },
    ],
  });

/** Numbers of fields whose contents are laid in by hand. @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto */
const fields = { graph: 7, initializer: 5, rawData: 9 } as const;

/** What stands before the bytes of a field: its number with wire type 2, and their count. */
const prefix = (field: number, length: number): Uint8Array =>
  Uint8Array.from([...varint(field * 8 + 2), ...varint(length)]);

/** Base 128, the lowest digit first, each but the last with the high bit set. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
