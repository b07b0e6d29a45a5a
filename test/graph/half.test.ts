import { describe, expect, it } from "vitest";
import { narrowHalf } from "../../src/graph/half.js";
import { storedTypes } from "../../src/vit/stored-types.js";

const widen = (bits: Uint16Array): Float32Array =>
  storedTypes.F16.read([bits.length], new Uint8Array(bits.buffer)).data as Float32Array;

describe("narrowHalf", () => {
  it("is the inverse of widening for every finite number of 16 bits", () => {
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i).filter((i) => ((i >> 10) & 31) < 31);
    expect(narrowHalf(widen(bits))).toEqual(bits);
  });

  it("rounds to the nearest, ties to even", () => {
    const between = [1 + 2 ** -11, 1 + 3 * 2 ** -11, 2 ** -25, 3 * 2 ** -25, -(2 ** -26), 65519, 65520, -1e30];
    const rounded = [...widen(narrowHalf(Float32Array.from(between)))];
    const infinite = Number.POSITIVE_INFINITY;
    expect(rounded).toEqual([1, 1 + 2 ** -9, 0, 2 ** -23, -0, 65504, infinite, -infinite]);
    const [nan = 0] = widen(narrowHalf(Float32Array.of(Number.NaN)));
    expect(nan).toBeNaN();
  });
});
