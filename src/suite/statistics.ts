/** Mean and spread of a few numbers. */
export interface Spread {
  readonly mean: number;
  /** Standard deviation of the sample, `√(Σ (x − mean)² / (n − 1))`; NaN for a single number. */
  readonly sd: number;
  readonly count: number;
}

/** A mean with the interval that holds it with the given confidence. */
export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

/** Arithmetic mean; NaN of nothing. */
export const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mean and sample standard deviation. */
export function spreadOf(values: readonly number[]): Spread {
  const mean = meanOf(values);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, sd: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : Number.NaN, count: values.length };
}

/**
 * Mean of paired differences with its two-sided t-interval, `mean ± t(confidence, n − 1) · sd / √n`. The ends are
 * infinite for fewer than two pairs: one difference says nothing about its uncertainty.
 * @param differences of the same seed under two conditions, one number per pair
 */
export function pairedInterval(differences: readonly number[], confidence = 0.95): Interval {
  const { mean, sd, count } = spreadOf(differences);
  const half = count > 1 ? (studentQuantile(confidence, count - 1) * sd) / Math.sqrt(count) : Number.POSITIVE_INFINITY;
  return { mean, low: mean - half, high: mean + half, count };
}

/** The `t` between whose negative and positive lies this share of Student's distribution. */
export function studentQuantile(confidence: number, freedom: number): number {
  let [low, high] = [0, Math.PI / 2];
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    if (studentShare(middle, freedom) < confidence) low = middle;
    else high = middle;
  }
  return Math.sqrt(freedom) * Math.tan(low);
}

/**
 * Share of Student's distribution between `±√ν tan θ`, for a whole number `ν` of degrees of freedom: a finite sum.
 * @see Abramowitz, Stegun, Handbook of Mathematical Functions, 1964, equations 26.7.3 and 26.7.4
 */
function studentShare(theta: number, freedom: number): number {
  const isOdd = freedom % 2 === 1;
  const squared = Math.cos(theta) ** 2;
  let term = isOdd ? Math.cos(theta) : 1;
  let sum = freedom === 1 ? 0 : term;
  for (let k = isOdd ? 3 : 2; k <= freedom - 2; k += 2) {
    term *= ((k - 1) / k) * squared;
    sum += term;
  }
  return isOdd ? (2 / Math.PI) * (theta + Math.sin(theta) * sum) : Math.sin(theta) * sum;
}
