import type { DType, Shape } from "../graph/tensor.js";
import { type StoredType, storedTypes } from "./stored-types.js";

/** A tensor that lies in a file: its shape is known, its numbers are read when they are asked for. */
export interface LazyTensor {
  readonly shape: Shape;
  /** The type its numbers have when they have been read; F16 and BF16 become float32. */
  readonly dtype: DType;
  /** Fills an array of as many numbers as the shape holds with them, row by row, as float32. */
  read(into: Float32Array): Promise<void>;
}

/** Tensors of a file by the names they have there. */
export type LazyTensors = ReadonlyMap<string, LazyTensor>;

/** Reads `length` bytes from `offset` on, counted from where a tensor begins. */
export type ReadBytes = (offset: number, length: number) => Promise<Uint8Array>;

/** Bytes that are read and converted at a time: what lies in memory beside the numbers themselves. */
const pieceBytes = 4 * 2 ** 20;

/** A tensor whose elements lie one behind the other; it is read in pieces, each converted and let go before the next. */
export const lazyTensor = (type: StoredType, shape: Shape, readBytes: ReadBytes): LazyTensor => ({
  shape,
  dtype: storedTypes[type].dtype,
  async read(into) {
    const { bytes } = storedTypes[type];
    const most = pieceBytes / bytes;
    for (let at = 0; at < into.length; at += most) {
      const count = Math.min(most, into.length - at);
      const { data } = storedTypes[type].read([count], await readBytes(at * bytes, count * bytes));
      into.set(data instanceof BigInt64Array ? Float32Array.from(data, Number) : data, at);
    }
  },
});
