import { type DType, type Shape, type Tensor, tensor } from "../graph/tensor.js";

/** How elements of one type lie in a file, and the tensor they become. */
interface Stored {
  /** Bytes per element. */
  readonly bytes: number;
  /** Of the tensor they become. */
  readonly dtype: DType;
  /** The tensor over these bytes: a view where they are aligned and need no conversion. */
  read(shape: Shape, bytes: Uint8Array): Tensor;
}

/** The element types of a safetensors file that are read, little-endian; F16 and BF16 widen to float32 without loss. */
export const storedTypes = {
  F32: { bytes: 4, dtype: "float32", read: (shape, b) => tensor("float32", shape, view(Float32Array, b)) },
  F64: { bytes: 8, dtype: "float64", read: (shape, b) => tensor("float64", shape, view(Float64Array, b)) },
  F16: { bytes: 2, dtype: "float32", read: (shape, b) => tensor("float32", shape, widenHalf(view(Uint16Array, b))) },
  BF16: { bytes: 2, dtype: "float32", read: (shape, b) => tensor("float32", shape, widenBrain(view(Uint16Array, b))) },
  I64: { bytes: 8, dtype: "int64", read: (shape, b) => tensor("int64", shape, view(BigInt64Array, b)) },
  I32: { bytes: 4, dtype: "int32", read: (shape, b) => tensor("int32", shape, view(Int32Array, b)) },
  U8: { bytes: 1, dtype: "uint8", read: (shape, b) => tensor("uint8", shape, b) },
  BOOL: { bytes: 1, dtype: "bool", read: (shape, b) => tensor("bool", shape, b) },
} as const satisfies Record<string, Stored>;

/** A name of an element type in a safetensors file. */
export type StoredType = keyof typeof storedTypes;

interface View<T> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, offset: number, length: number): T;
}

/** The bytes as wider elements: in place where they are aligned, else a copy. */
function view<T>(type: View<T>, bytes: Uint8Array): T {
  const aligned = bytes.byteOffset % type.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  return new type(aligned.buffer, aligned.byteOffset, aligned.byteLength / type.BYTES_PER_ELEMENT);
}

/** BF16 is the upper half of a float32. */
function widenBrain(source: Uint16Array): Float32Array {
  const bits = new Uint32Array(source.length);
  for (let i = 0; i < source.length; i++) bits[i] = (source[i] as number) << 16;
  return new Float32Array(bits.buffer);
}

let halves: Uint32Array | undefined;

/** F16 by a table of all 65 536 values, as bits, so that no NaN changes on its way. */
function widenHalf(source: Uint16Array): Float32Array {
  halves ??= Uint32Array.from({ length: 65536 }, (_, bits) => bitsOfHalf(bits));
  const bits = new Uint32Array(source.length);
  for (let i = 0; i < source.length; i++) bits[i] = halves[source[i] as number] as number;
  return new Float32Array(bits.buffer);
}

/** The float32 bits of IEEE 754 binary16 bits: 1 sign, 5 exponent (bias 15), 10 fraction. */
function bitsOfHalf(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return sign | 0x7f800000 | (fraction << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  // Zero, or subnormal: fraction · 2⁻²⁴ is normal in float32.
  const [bits] = new Uint32Array(Float32Array.of(fraction * 2 ** -24).buffer);
  return sign | (bits as number);
}
