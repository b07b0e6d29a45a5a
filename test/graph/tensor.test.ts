import { describe, expect, it } from "vitest";
import { ShapeError } from "../../src/errors.js";
import {
  bytesPerElement,
  type DType,
  elementCount,
  sameShape,
  tensor,
  tensorOf,
  toNumbers,
  zeros,
} from "../../src/graph/tensor.js";

describe("tensor", () => {
  it("counts elements and bytes", () => {
    expect(elementCount([])).toBe(1);
    expect(elementCount([2, 0, 3])).toBe(0);
    expect((["float32", "float64", "int32", "int64", "uint8", "bool"] as DType[]).map(bytesPerElement)).toEqual([
      4, 8, 4, 8, 1, 1,
    ]);
  });

  it("compares shapes", () => {
    expect(sameShape([2, 3], [2, 3])).toBe(true);
    expect(sameShape([2], [2, 1])).toBe(false);
    expect(sameShape([2, 3], [3, 2])).toBe(false);
  });

  it("keeps numbers through every type that holds them", () => {
    for (const dtype of ["float32", "float64", "int32", "int64", "uint8"] as const) {
      expect(Array.from(toNumbers(tensorOf(dtype, [2, 2], [0, 1, 2, 200])))).toEqual([0, 1, 2, 200]);
    }
    expect(zeros("int64", [2]).data).toEqual(new BigInt64Array(2));
  });

  it("refuses data that does not fit its shape", () => {
    expect(() => tensor("float32", [2, 2], new Float32Array(3))).toThrow(ShapeError);
    expect(() => tensorOf("float32", [2, 2], [1, 2, 3])).toThrow("[2,2] holds 4 elements, the data has 3");
    expect(() => tensorOf("float32", [2], [1, 2, 3])).toThrow(ShapeError);
  });
});
