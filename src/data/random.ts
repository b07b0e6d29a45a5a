import { ConfigError } from "../errors.js";
import { inverseNormal } from "./normal.js";

/** Four 32-bit words. */
export type Words = readonly [number, number, number, number];

const rounds = 10;

/** High 32 bits of the 64-bit product of two unsigned 32-bit numbers, from 16-bit halves. */
function multiplyHigh(a: number, b: number): number {
  const [aHigh, aLow, bHigh, bLow] = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff];
  const low = aLow * bLow;
  const middle = aHigh * bLow + (low >>> 16);
  const cross = aLow * bHigh + (middle & 0xffff);
  // Both sums stay below 2^33, so doubles hold them exactly; >>> would cut them.
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(cross / 0x10000)) >>> 0;
}

/**
 * The block of random words that belongs to a counter and a key: Philox4x32 with ten rounds, a bijection of the counter.
 * @see Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011
 */
export function philox([a, b, c, d]: Words, [k0, k1]: readonly [number, number]): Words {
  const block = new Uint32Array(4);
  writeBlock(block, 0, a, b, c, d, k0, k1);
  return Array.from(block) as unknown as Words;
}

/** Writes a block to four words of `out`; without arrays of its own, for there are millions. */
function writeBlock(
  out: Uint32Array,
  at: number,
  a: number,
  b: number,
  c: number,
  d: number,
  k0: number,
  k1: number,
): void {
  for (let round = 0; round < rounds; round++) {
    const highA = multiplyHigh(0xd2511f53, a);
    const highC = multiplyHigh(0xcd9e8d57, c);
    const lowA = Math.imul(0xd2511f53, a);
    a = (highC ^ b ^ k0) >>> 0;
    b = Math.imul(0xcd9e8d57, c) >>> 0;
    c = (highA ^ d ^ k1) >>> 0;
    d = lowA >>> 0;
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  out[at] = a;
  out[at + 1] = b;
  out[at + 2] = c;
  out[at + 3] = d;
}

/** A source of random numbers with a place of its own; drawing from one stream never changes another. */
export interface Stream {
  /** A uniform integer in [0, 2^32). */
  word(): number;
  /** As many of them in a row as there are places; the same as that many calls, but fast. */
  fill(words: Uint32Array): void;
  /** A uniform number in the open interval (0, 1), with 52 bits: `(k + ½) / 2^52`. */
  uniform(): number;
  /** A number from the normal distribution with mean 0 and variance 1. */
  normal(): number;
  /** A uniform integer in [0, below), without bias. */
  integer(below: number): number;
  /** The numbers 0 … count−1 in random order (Fisher–Yates). */
  permutation(count: number): Int32Array<ArrayBuffer>;
}

/**
 * The stream of random numbers at a path below a seed, such as `stream(seed, "flip", epoch, sample)`.
 * Streams at different paths are independent, and a stream is the same on every engine to the last bit: it uses only
 * integer operations and the arithmetic that IEEE 754 rounds exactly.
 * @param seed a whole number from 0 to 2^53 − 1
 * @param path whole numbers of that range, and strings; 1 and "1" differ, and so do ["ab"] and ["a", "b"]
 * @throws ConfigError where the seed or a number of the path is not such a whole number
 */
export function stream(seed: number, ...path: readonly (number | string)[]): Stream {
  let state: Words = [0, 0, 0, 0];
  // The kind of word stands in the counter, so a number, a string's length and its letters never meet.
  const absorb = (kind: number, value: number): void => {
    const [high, low] = [Math.floor(value / 0x100000000), value >>> 0];
    state = philox([(state[2] ^ low) >>> 0, (state[3] ^ high) >>> 0, kind, 0], [state[0], state[1]]);
  };
  for (const part of [seed, ...path]) {
    if (typeof part === "string") {
      absorb(1, part.length);
      for (let i = 0; i < part.length; i++) absorb(2, part.charCodeAt(i));
    } else if (Number.isSafeInteger(part) && part >= 0) {
      absorb(0, part);
    } else {
      throw new ConfigError(`random numbers: expected a seed that is a whole number from 0 to 2^53 - 1, got ${part}.`);
    }
  }
  return streamOf(state);
}

/** The stream of one identity: two words are the key, two the upper half of the counter; blocks count below them. */
function streamOf([k0, k1, high, low]: Words): Stream {
  let block = 0;
  const words = new Uint32Array(4);
  let used = 4;
  const writeNext = (out: Uint32Array, at: number): void => {
    writeBlock(out, at, block >>> 0, Math.floor(block / 0x100000000), high, low, k0, k1);
    block++;
  };
  const word = (): number => {
    if (used === 4) {
      writeNext(words, 0);
      used = 0;
    }
    return words[used++] as number;
  };
  const fill = (out: Uint32Array): void => {
    let at = 0;
    while (at < out.length && used < 4) out[at++] = word();
    for (; at + 4 <= out.length; at += 4) writeNext(out, at);
    while (at < out.length) out[at++] = word();
  };
  const uniform = (): number => ((word() >>> 6) * 0x4000000 + (word() >>> 6) + 0.5) / 0x10000000000000;
  const integer = (below: number): number => {
    if (!Number.isInteger(below) || below < 1 || below > 0x100000000) {
      throw new ConfigError(`random numbers: expected a bound from 1 to 2^32, got ${below}.`);
    }
    // Words above the last whole multiple of `below` would favour small results.
    const limit = 0x100000000 - (0x100000000 % below);
    for (;;) {
      const value = word();
      if (value < limit) return value % below;
    }
  };
  const permutation = (count: number): Int32Array<ArrayBuffer> => {
    const order = Int32Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = integer(i + 1);
      const held = order[i] as number;
      order[i] = order[j] as number;
      order[j] = held;
    }
    return order;
  };
  return { word, fill, uniform, normal: () => inverseNormal(uniform()), integer, permutation };
}
