import { concat, filled, type Value } from "../graph/index.js";

/** The matrix that has the given ones, each `[mᵢ, nᵢ]`, along its diagonal and is zero elsewhere: `[Σ mᵢ, Σ nᵢ]`. */
export function onDiagonal(parts: readonly Value[]): Value {
  const [first] = parts;
  if (parts.length === 1 && first) return first;
  const columns = parts.map(({ shape }) => shape[1] as number);
  const rows = parts.map((part, i) => {
    const zeros = (counts: readonly number[]): Value[] => {
      const count = counts.reduce((a, b) => a + b, 0);
      return count > 0 ? [filled([part.shape[0] as number, count], 0, part)] : [];
    };
    return concat([...zeros(columns.slice(0, i)), part, ...zeros(columns.slice(i + 1))], 1);
  });
  return concat(rows, 0);
}
