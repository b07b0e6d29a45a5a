import { describe, expect, it } from "vitest";
import { stream } from "../../src/data/random.js";
import { bestOfRank } from "../../src/export/best-rank.js";

const [rows, columns, size] = [17, 11, 5];

/** A matrix `Σ sᵢ uᵢ vᵢᵀ` of orthonormal cosines. */
function withSingularValues(values: readonly number[]): Float64Array {
  const cosine = (i: number, k: number, n: number) => Math.sqrt(2 / n) * Math.cos((Math.PI * (i + 0.5) * (k + 1)) / n);
  return Float64Array.from({ length: rows * columns }, (_, at) =>
    values.reduce(
      (sum, s, k) => sum + s * cosine(Math.floor(at / columns), k, rows) * cosine(at % columns, k, columns),
      0,
    ),
  );
}

describe("bestOfRank", () => {
  it.each([1, 2, 3, 4])("has the error of the singular values left out: rank %i", (rank) => {
    const values = [9, 4, 2, 1, 0.3];
    const { left, right, error } = bestOfRank(withSingularValues(values), rows, columns, rank);
    const norm = (some: readonly number[]) => Math.hypot(...some);
    expect(error).toBeCloseTo(norm(values.slice(rank)) / norm(values), 4);
    expect([left.length, right.length]).toEqual([rows * rank, rank * columns]);
  });

  it("is the matrix itself where the rank allows it, and its error is what it says", () => {
    const { normal } = stream(1, "matrix");
    const x = Float64Array.from({ length: rows * columns }, normal);
    for (const rank of [size, columns, 20]) {
      const { left, right, error } = bestOfRank(x, rows, columns, rank);
      let [difference, all] = [0, 0];
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) {
          let sum = 0;
          for (let k = 0; k < rank; k++) sum += (left[i * rank + k] as number) * (right[k * columns + j] as number);
          difference += (sum - (x[i * columns + j] as number)) ** 2;
          all += (x[i * columns + j] as number) ** 2;
        }
      }
      expect(error).toBeCloseTo(Math.sqrt(difference / all), 6);
      if (rank >= columns) expect(error).toBeLessThan(1e-6);
    }
  });

  it("finds nothing in zeros", () => {
    const { left, right, error } = bestOfRank(new Float64Array(rows * columns), rows, columns, 2);
    expect([error, ...left, ...right].every((x) => x === 0)).toBe(true);
  });
});
