import { bytesPerElement, type DType, elementCount, type Shape, type Tensor, zeros } from "../graph/tensor.js";
import { TensorProto_DataType as Type } from "./onnx_pb.js";

const types: Readonly<Record<DType, Type>> = {
  float32: Type.FLOAT,
  float64: Type.DOUBLE,
  int32: Type.INT32,
  int64: Type.INT64,
  uint8: Type.UINT8,
  bool: Type.BOOL,
};
const dtypes = new Map(Object.entries(types).map(([dtype, type]) => [type, dtype as DType]));

/** ONNX's number of an element type. */
export const toElementType = (dtype: DType): Type => types[dtype];

/** The element type of one of ONNX's numbers; undefined for those that our graphs do not have. */
export const fromElementType = (type: number): DType | undefined => dtypes.get(type);

/** Bytes that a tensor takes in a file. */
export const byteCount = (dtype: DType, shape: Shape): number => bytesPerElement(dtype) * elementCount(shape);

/** The elements as little-endian bytes: a view, no copy. */
export const toBytes = ({ data }: Tensor): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** A tensor of little-endian bytes, which are copied, since they may lie anywhere in a message. */
export function fromBytes(dtype: DType, shape: Shape, bytes: Uint8Array): Tensor {
  const tensor = zeros(dtype, shape);
  toBytes(tensor).set(bytes);
  return tensor;
}
