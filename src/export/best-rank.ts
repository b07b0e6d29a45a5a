/** A matrix as a product of two thin ones. */
export interface Factors {
  /** `[rows, rank]`, its columns orthonormal */
  readonly left: Float64Array;
  /** `[rank, columns]` */
  readonly right: Float64Array;
  /** `‖X − left right‖ / ‖X‖`, Frobenius; 0 for a matrix of zeros. */
  readonly error: number;
}

/** Rounds of the iteration: what remains of a direction shrinks with the square of the ratio of its singular values each time. */
const rounds = 12;

/**
 * The product of rank `rank` that is closest to a matrix, by subspace iteration: `Q ← orth(X (Xᵀ Q))`, then `Q (Qᵀ X)`.
 * @param x `[rows, columns]`
 * @see Halko, Martinsson, Tropp, Finding structure with randomness, SIAM Review 53, 2011, algorithm 4.4
 */
export function bestOfRank(x: Float64Array, rows: number, columns: number, rank: number): Factors {
  // Columns of Q one behind the other; any start will do that is no one's eigenvector.
  let q = Float64Array.from({ length: rank * rows }, (_, i) => Math.sin(1 + i * i * 0.7 + i));
  let right = new Float64Array(0);
  orthonormalize(q, rows);
  for (let round = 0; ; round++) {
    right = times(x, rows, columns, q, rank);
    if (round === rounds) break;
    q = timesTransposed(x, rows, columns, right, rank);
    orthonormalize(q, rows);
  }
  const left = new Float64Array(rows * rank);
  for (let k = 0; k < rank; k++) for (let i = 0; i < rows; i++) left[i * rank + k] = q[k * rows + i] as number;
  // Q is orthonormal: ‖X − Q Qᵀ X‖² = ‖X‖² − ‖Qᵀ X‖².
  const [all, kept] = [squares(x), squares(right)];
  return { left, right, error: all === 0 ? 0 : Math.sqrt(Math.max(0, all - kept) / all) };
}

/** `Qᵀ X`, `[rank, columns]` */
function times(
  x: Float64Array,
  rows: number,
  columns: number,
  q: Float64Array,
  rank: number,
): Float64Array<ArrayBuffer> {
  const result = new Float64Array(rank * columns);
  for (let k = 0; k < rank; k++) {
    for (let i = 0; i < rows; i++) {
      const factor = q[k * rows + i] as number;
      for (let j = 0, at = k * columns; j < columns; j++, at++)
        result[at] = (result[at] as number) + factor * (x[i * columns + j] as number);
    }
  }
  return result;
}

/** `X Pᵀ`, its columns one behind the other */
function timesTransposed(x: Float64Array, rows: number, columns: number, p: Float64Array, rank: number) {
  const result = new Float64Array(rank * rows);
  for (let k = 0; k < rank; k++) {
    for (let i = 0; i < rows; i++) {
      let sum = 0;
      for (let j = 0; j < columns; j++) sum += (x[i * columns + j] as number) * (p[k * columns + j] as number);
      result[k * rows + i] = sum;
    }
  }
  return result;
}

/** Gram-Schmidt, twice for the sake of rounding; a column that depends on those before it becomes zero. */
function orthonormalize(q: Float64Array, rows: number): void {
  for (let start = 0; start < q.length; start += rows) {
    const column = q.subarray(start, start + rows);
    const before = Math.sqrt(squares(column));
    for (let pass = 0; pass < 2; pass++) {
      for (let other = 0; other < start; other += rows) {
        let product = 0;
        for (let i = 0; i < rows; i++) product += (column[i] as number) * (q[other + i] as number);
        for (let i = 0; i < rows; i++) column[i] = (column[i] as number) - product * (q[other + i] as number);
      }
    }
    const length = Math.sqrt(squares(column));
    const scale = length > 1e-12 * before ? 1 / length : 0;
    for (let i = 0; i < rows; i++) column[i] = (column[i] as number) * scale;
  }
}

const squares = (x: Float64Array): number => x.reduce((sum, value) => sum + value * value, 0);
