import { ShapeError } from "../errors.js";

/** Element types that occur in our graphs; the names are those of ONNX Runtime's JavaScript API. */
export type DType = "float32" | "float64" | "int32" | "int64" | "uint8" | "bool";

/** The typed array that holds elements of each type. */
export interface ArrayOf {
  readonly float32: Float32Array;
  readonly float64: Float64Array;
  readonly int32: Int32Array;
  readonly int64: BigInt64Array;
  readonly uint8: Uint8Array;
  readonly bool: Uint8Array;
}

/** Sizes along each axis, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];

/** A dense array in row-major order. */
export type Tensor<T extends DType = DType> = {
  [K in DType]: { readonly dtype: K; readonly shape: Shape; readonly data: ArrayOf[K] };
}[T];

const constructors = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

/** Bytes per element. */
export const bytesPerElement = (dtype: DType): number => constructors[dtype].BYTES_PER_ELEMENT;

/** Number of elements of a shape; 1 for a scalar. */
export const elementCount = (shape: Shape): number => shape.reduce((count, size) => count * size, 1);

/** True where both shapes have the same sizes. */
export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((size, i) => size === b[i]);

/**
 * A tensor over existing data, which is not copied.
 * @throws ShapeError where the number of elements does not fit the shape
 */
export function tensor<T extends DType>(dtype: T, shape: Shape, data: ArrayOf[T]): Tensor<T> {
  if (data.length !== elementCount(shape)) throw misfit(shape, data.length);
  return { dtype, shape, data } as Tensor<T>;
}

const misfit = (shape: Shape, length: number): ShapeError =>
  new ShapeError(`tensor: [${shape}] holds ${elementCount(shape)} elements, the data has ${length}`);

/** A tensor of zeros. */
export const zeros = <T extends DType>(dtype: T, shape: Shape): Tensor<T> =>
  tensor(dtype, shape, new constructors[dtype](elementCount(shape)) as ArrayOf[T]);

/**
 * A tensor of the given numbers, converted to the element type.
 * @throws ShapeError where their number does not fit the shape
 */
export function tensorOf<T extends DType>(dtype: T, shape: Shape, values: ArrayLike<number>): Tensor<T> {
  const result = zeros(dtype, shape);
  if (values.length !== result.data.length) throw misfit(shape, values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    result.data[i] = dtype === "int64" ? BigInt(value) : value;
  }
  return result;
}

/** The elements as JavaScript numbers (a copy, except of `float64`). */
export const toNumbers = (t: Tensor): Float64Array =>
  t.dtype === "float64" ? t.data : t.dtype === "int64" ? Float64Array.from(t.data, Number) : Float64Array.from(t.data);
