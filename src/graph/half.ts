/** The largest number that 16 bits hold. */
export const largestHalf = 65504;

/**
 * Float32 numbers as IEEE 754 binary16 bits, rounded to the nearest, ties to even; beyond ±65504 they become infinite.
 */
export function narrowHalf(source: Float32Array): Uint16Array<ArrayBuffer> {
  const result = new Uint16Array(source.length);
  const bits = new Uint32Array(1);
  const number = new Float32Array(bits.buffer);
  for (let i = 0; i < source.length; i++) {
    number[0] = source[i] as number;
    const word = bits[0] as number;
    const sign = (word >>> 16) & 0x8000;
    const size = word & 0x7fffffff;
    result[i] = sign | narrowSize(size, Math.abs(number[0] as number));
  }
  return result;
}

/** The bits of a number without its sign, from its float32 bits and itself. */
function narrowSize(size: number, value: number): number {
  if (size > 0x7f800000) return 0x7e00;
  if (value >= 65520) return 0x7c00;
  // Below 2⁻¹⁴ a half is a whole number of 2⁻²⁴.
  if (size < 0x38800000) return roundEven(value * 2 ** 24);
  const fraction = size - 0x38000000;
  return (fraction >>> 13) + ((fraction & 0x1fff) + ((fraction >>> 13) & 1) > 0x1000 ? 1 : 0);
}

function roundEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return floor + (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? 1 : 0);
}
