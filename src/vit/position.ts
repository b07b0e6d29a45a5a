import { ShapeError } from "../errors.js";
import type { Tensor } from "../graph/tensor.js";

/** Patches along the height and the width. */
export type Grid = readonly [rows: number, columns: number];

/**
 * Position embeddings for another grid of patches: bicubic with antialiasing, as timm's `resample_abs_pos_embed`; rows of
 * prefix tokens (the class token) stay. The same tensor comes back where the grid does not change.
 * @param positions `[1, prefixTokens + rows · columns, width]`
 * @throws ShapeError where there is not one row for each token of `from`
 * @see https://github.com/huggingface/pytorch-image-models `timm/layers/pos_embed.py`
 */
export function resizePositions(
  positions: Tensor<"float32">,
  from: Grid,
  to: Grid,
  prefixTokens: number,
): Tensor<"float32"> {
  const [, tokens, width = 0] = positions.shape;
  if (tokens !== prefixTokens + from[0] * from[1]) {
    throw new ShapeError(
      `pos_embed: expected ${prefixTokens} + ${from[0]} · ${from[1]} rows, got [${positions.shape}]. The grid is not the one these embeddings were trained for.`,
    );
  }
  if (from[0] === to[0] && from[1] === to[1]) return positions;
  const prefix = prefixTokens * width;
  const grid = Float64Array.from(positions.data.subarray(prefix));
  const wide = resizeAxis(grid, from[0], weightsOf(from[1], to[1]), width);
  const resized = resizeAxis(wide, 1, weightsOf(from[0], to[0]), to[1] * width);
  const data = new Float32Array(prefix + resized.length);
  data.set(positions.data.subarray(0, prefix));
  data.set(resized, prefix);
  return { dtype: "float32", shape: [1, prefixTokens + to[0] * to[1], width], data };
}

/** Keys' cubic with a = −½, the one PyTorch takes when it antialiases. */
function cubic(x: number): number {
  const t = Math.abs(x);
  if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
  return t < 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0;
}

/**
 * For each output along one axis, how much of every input it takes, `[to][from]`; each row sums to 1.
 * @see https://github.com/pytorch/pytorch `aten/src/ATen/native/cpu/UpSampleKernel.cpp`, `_compute_indices_weights_aa`
 */
function weightsOf(from: number, to: number): readonly Float64Array[] {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const center = scale * (i + 0.5);
    const first = Math.max(Math.trunc(center - 2 * stretch + 0.5), 0);
    const end = Math.min(Math.trunc(center + 2 * stretch + 0.5), from);
    const row = new Float64Array(from);
    let sum = 0;
    for (let j = first; j < end; j++) {
      row[j] = cubic((j - center + 0.5) / stretch);
      sum += row[j] as number;
    }
    return row.map((w) => w / sum);
  });
}

/** Resizes the middle axis of `[outer, from, inner]`. */
function resizeAxis(x: Float64Array, outer: number, weights: readonly Float64Array[], inner: number): Float64Array {
  const from = x.length / (outer * inner);
  const y = new Float64Array(outer * weights.length * inner);
  for (let o = 0; o < outer; o++) {
    for (const [i, row] of weights.entries()) {
      const target = (o * weights.length + i) * inner;
      for (let j = 0; j < from; j++) {
        const w = row[j] as number;
        if (w === 0) continue;
        const source = (o * from + j) * inner;
        for (let k = 0; k < inner; k++) y[target + k] = (y[target + k] as number) + w * (x[source + k] as number);
      }
    }
  }
  return y;
}
