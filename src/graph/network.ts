import { add, div, erf, exp, filled, log, mul, scalar, sqrt, sub } from "./elementwise.js";
import { matmul } from "./matrix.js";
import { apply, applyAll, defineOp, type Float64Tensor, misshapen, type Op, only } from "./op.js";
import { reduceMax, reduceMean, reduceSum, rowDot } from "./reduce.js";
import { type Shape, sameShape } from "./tensor.js";
import type { Value } from "./value.js";

const last = (x: { readonly shape: Shape }): number => x.shape.length - 1;

/** The only input, which must have a last axis. @throws ShapeError */
function rowsOf(type: string, inputs: readonly Value[]): Value {
  if (only(inputs).shape.length === 0) throw misshapen(type, inputs, "rows along the last axis");
  return only(inputs);
}

/** Maps each row (the last axis) of `x` to a row of the same length. */
function mapRows({ shape, data }: Float64Tensor, f: (row: Float64Array) => ArrayLike<number>): Float64Array {
  const width = shape.at(-1) as number;
  const result = new Float64Array(data.length);
  for (let at = 0; at < data.length; at += width) result.set(f(data.subarray(at, at + width)), at);
  return result;
}

const softmaxOp: Op = defineOp("Softmax", {
  infer: (inputs) => [rowsOf("Softmax", inputs)],
  // The row Jacobian is diag(y) − y yᵀ; apply it to dy without forming it.
  backward({ grads, outputs }) {
    const [y, dy] = [only(outputs), only(grads) as Value];
    return [mul(y, sub(dy, rowDot(dy, y)))];
  },
  evaluate: (inputs) => [
    mapRows(only(inputs), (row) => {
      const top = Math.max(...row);
      const total = row.reduce((sum, x) => sum + Math.exp(x - top), 0);
      return row.map((x) => Math.exp(x - top) / total);
    }),
  ],
});

/** Softmax over the last axis: `y[…, j] = exp(x[…, j]) / Σₖ exp(x[…, k])`; every row sums to 1. */
export const softmax = (x: Value): Value => apply(softmaxOp, [x], {});

const logSoftmaxOp: Op = defineOp("LogSoftmax", {
  infer: (inputs) => [rowsOf("LogSoftmax", inputs)],
  backward({ grads, outputs }) {
    const [y, dy] = [only(outputs), only(grads) as Value];
    return [sub(dy, mul(exp(y), reduceSum(dy, [last(dy)], true)))];
  },
  evaluate: (inputs) => [
    mapRows(only(inputs), (row) => {
      const top = Math.max(...row);
      const total = Math.log(row.reduce((sum, x) => sum + Math.exp(x - top), 0));
      return row.map((x) => x - top - total);
    }),
  ],
  expand(inputs) {
    const x = only(inputs);
    const shifted = sub(x, reduceMax(x, [last(x)]));
    return [sub(shifted, log(reduceSum(exp(shifted), [last(x)], true)))];
  },
});

/** `log softmax(x)` over the last axis. */
export const logSoftmax = (x: Value): Value => apply(logSoftmaxOp, [x], {});

const geluOp: Op = defineOp("Gelu", {
  infer: (inputs) => [only(inputs)],
  // d/dx x Φ(x) = Φ(x) + x φ(x)
  backward({ inputs, grads }) {
    const x = only(inputs);
    const slope = add(
      normalCdf(x),
      mul(x, exp(sub(scalar(-Math.log(2 * Math.PI) / 2, x), mul(mul(x, x), scalar(0.5, x))))),
    );
    return [mul(only(grads) as Value, slope)];
  },
  expand: (inputs) => [mul(only(inputs), normalCdf(only(inputs)))],
});

/** `Φ(x) = ½ (1 + erf(x / √2))` */
const normalCdf = (x: Value): Value => add(mul(erf(mul(x, scalar(Math.SQRT1_2, x))), scalar(0.5, x)), scalar(0.5, x));

/** The exact GELU: `x Φ(x)` (Hendrycks and Gimpel, 2016). */
export const gelu = (x: Value): Value => apply(geluOp, [x], {});

const normalizeOp = defineOp<{ readonly epsilon: number }>("Normalize", {
  infer(inputs) {
    const { shape, dtype } = rowsOf("Normalize", inputs);
    return [
      { shape, dtype },
      { shape: shape.with(-1, 1), dtype },
    ];
  },
  // n = (x − mean) s with s = 1/√(var + ε):  dx = s (dn − mean(dn) − n mean(dn ⊙ n)).
  // From the saved n: with an ε of its own the backward pass would be wrong unnoticed.
  backward({ outputs: [n, s], grads: [dn, ds] }) {
    if (!n || !s || !dn || ds) throw new Error("Normalize: only the normalised rows have a gradient");
    const mean = (x: Value): Value => reduceMean(x, [last(x)], true);
    return [mul(sub(sub(dn, mean(dn)), mul(n, mean(mul(dn, n)))), s)];
  },
  expand(inputs, { epsilon }) {
    const x = only(inputs);
    if (x.dtype === "float32") {
      const [n, , s] = applyAll(layerNormalizationOp, [x, filled([x.shape.at(-1) as number], 1, x)], {
        axis: -1,
        epsilon,
      });
      return [n as Value, s as Value];
    }
    const centred = sub(x, reduceMean(x, [last(x)], true));
    const variance = reduceMean(mul(centred, centred), [last(x)], true);
    const s = div(scalar(1, x), sqrt(add(variance, scalar(epsilon, x))));
    return [mul(centred, s), s];
  },
  evaluate(inputs, { epsilon }) {
    const { rows, scales } = normalizeRows(only(inputs), epsilon);
    return [rows, scales];
  },
});

/** The normalised rows, with the mean and the scale `1/√(var + ε)` of each. */
function normalizeRows(x: Float64Tensor, epsilon: number) {
  const means: number[] = [];
  const scales: number[] = [];
  const rows = mapRows(x, (row) => {
    const mean = row.reduce((sum, v) => sum + v, 0) / row.length;
    const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / row.length;
    const scale = 1 / Math.sqrt(variance + epsilon);
    means.push(mean);
    scales.push(scale);
    return row.map((v) => (v - mean) * scale);
  });
  return { rows, means, scales };
}

/** ONNX's LayerNormalization; made by the lowering of `normalize` alone, so it has no gradient of its own. */
const layerNormalizationOp = defineOp<{ readonly axis: number; readonly epsilon: number }>("LayerNormalization", {
  infer(inputs) {
    const [x, scale] = inputs as readonly [Value, Value];
    if (inputs.length !== 2 || !x.shape.length || !sameShape(scale.shape, x.shape.slice(-1))) {
      throw misshapen("LayerNormalization", inputs, "rows and one scale per column");
    }
    const perRow = { shape: x.shape.with(-1, 1), dtype: x.dtype };
    return [{ shape: x.shape, dtype: x.dtype }, perRow, perRow];
  },
  evaluate([x, scale], { epsilon }) {
    const { rows, means, scales } = normalizeRows(x as Float64Tensor, epsilon);
    return [rows.map((v, i) => v * (scale?.data[i % scale.data.length] as number)), means, scales];
  },
});

/**
 * Each row (the last axis) shifted to mean 0 and scaled to variance 1: `(x − mean) / √(var + ε)`. The norm's own scale
 * and shift are left to the caller, who can often fold them into the map that follows.
 * @see Ba, Kiros, Hinton, Layer Normalization, 2016
 */
export const normalize = (x: Value, epsilon: number): Value => applyAll(normalizeOp, [x], { epsilon })[0] as Value;

const attentionOp = defineOp<{ readonly scale: number }>("Attention", {
  infer(inputs) {
    const [q, k, v] = inputs as readonly [Value, Value, Value];
    const batch = q.shape.slice(0, -2);
    const [queries, width] = q.shape.slice(-2) as [number, number];
    const [tokens, headWidth] = v.shape.slice(-2) as [number, number];
    const fits =
      q.shape.length >= 2 &&
      sameShape(k.shape, [...batch, tokens, width]) &&
      sameShape(v.shape, [...batch, tokens, headWidth]) &&
      inputs.every((x) => x.dtype === q.dtype);
    if (!fits) throw misshapen("Attention", inputs, "q, k, v that fit");
    return [
      { shape: [...batch, queries, headWidth], dtype: q.dtype },
      { shape: [...batch, queries, tokens], dtype: q.dtype },
    ];
  },
  // dS = P ⊙ (dP − rowsum(P ⊙ dP)), and rowsum(P ⊙ dP) = rowsum(dO ⊙ O), which is headWidth wide instead of tokens wide.
  backward({ inputs: [q, k, v], outputs: [o, p], grads: [dO, dp], attributes: { scale } }) {
    if (!q || !k || !v || !o || !p || !dO || dp) throw new Error("Attention: only its first output has a gradient");
    const dS = mul(p, sub(matmul(dO, v, { transB: true }), rowDot(dO, o)));
    return [
      matmul(dS, k, { alpha: scale }),
      matmul(dS, q, { transA: true, alpha: scale }),
      matmul(p, dO, { transA: true }),
    ];
  },
  expand(inputs, { scale }) {
    const [q, k, v] = inputs as readonly [Value, Value, Value];
    const p = softmax(matmul(q, k, { transB: true, alpha: scale }));
    return [matmul(p, v), p];
  },
});

/**
 * Scaled dot-product attention, `softmax(scale · q kᵀ) v`.
 * @param q queries `[batch, heads, queries, headWidth]`
 * @param k keys `[batch, heads, tokens, headWidth]`
 * @param v values `[batch, heads, tokens, headWidth]`
 * @returns `[batch, heads, queries, headWidth]`
 * @see Vaswani et al., Attention Is All You Need, 2017, eq. 1; the backward rule is that of Dao et al., FlashAttention, 2022
 */
export const attention = (q: Value, k: Value, v: Value, scale: number): Value =>
  applyAll(attentionOp, [q, k, v], { scale })[0] as Value;

/**
 * `Σᵢ weightsᵢ Σ_c −targetsᵢ꜀ log softmax(logits)ᵢ꜀`, a scalar.
 * @param logits `[batch, classes]`
 * @param targets a distribution per row, `[batch, classes]`; one-hot, smoothed or mixed
 * @param weights of each example, `[batch]`; `1/batch` gives the mean
 */
export const crossEntropy = (logits: Value, targets: Value, weights: Value): Value =>
  reduceSum(mul(reduceSum(mul(targets, mul(logSoftmax(logits), scalar(-1, logits))), [1]), weights));
