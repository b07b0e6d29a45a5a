import { ShapeError } from "../errors.js";

/** How good predictions are; every number is a fraction but `nll`, which is in nats. */
export interface Metrics {
  /** Share of images whose best class is the right one. */
  readonly top1: number;
  /** Share of images whose right class is among the best five. */
  readonly top5: number;
  /** Mean recall over the classes that occur among the labels. */
  readonly balancedAccuracy: number;
  /** Mean F1 over the classes that occur among labels or predictions, as scikit-learn takes it by default. */
  readonly macroF1: number;
  /** Expected calibration error with 15 bins of equal width. */
  readonly calibrationError: number;
  /** Mean negative log-likelihood of the right class. */
  readonly nll: number;
}

const calibrationBins = 15;

/**
 * Probabilities of logits, row by row in double precision: `p[j] = exp(x[j] − max) / Σₖ exp(x[k] − max)`.
 * @param logits `[count, classes]`
 */
export function probabilitiesOf(logits: ArrayLike<number>, classes: number): Float64Array<ArrayBuffer> {
  const result = Float64Array.from(logits);
  for (let start = 0; start < result.length; start += classes) {
    const row = result.subarray(start, start + classes);
    const largest = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    let sum = 0;
    for (let j = 0; j < row.length; j++) sum += row[j] = Math.exp((row[j] as number) - largest);
    for (let j = 0; j < row.length; j++) row[j] = (row[j] as number) / sum;
  }
  return result;
}

/**
 * Counts of images by right class (row) and predicted class (column), `[classes, classes]`.
 * @param predictions class of the largest logit, `[count]`
 */
export function confusionMatrix(
  predictions: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): Int32Array<ArrayBuffer> {
  const counts = new Int32Array(classes * classes);
  for (let i = 0; i < labels.length; i++) {
    const at = (labels[i] as number) * classes + (predictions[i] as number);
    counts[at] = (counts[at] as number) + 1;
  }
  return counts;
}

/** Index of the largest number of each row; of equal ones the first. */
export function bestClasses(rows: ArrayLike<number>, classes: number): Int32Array<ArrayBuffer> {
  const best = new Int32Array(Math.floor(rows.length / classes));
  for (let i = 0; i < best.length; i++) {
    for (let j = 1; j < classes; j++) {
      const [at, before] = [i * classes + j, i * classes + (best[i] as number)];
      if ((rows[at] as number) > (rows[before] as number)) best[i] = j;
    }
  }
  return best;
}

/** Indices of the largest `count` numbers, best first; of equal ones the first comes first. */
export const topClasses = (row: ArrayLike<number>, count: number): readonly number[] =>
  Array.from(row, (value, index) => ({ value, index }))
    .sort((a, b) => b.value - a.value || a.index - b.index)
    .slice(0, count)
    .map(({ index }) => index);

/** The number of classes that are ranked before the right one; on a tie the lower index is before. */
function rankOf(row: Float64Array, label: number): number {
  const own = row[label] as number;
  return row.reduce((rank, value, j) => rank + (value > own || (value === own && j < label) ? 1 : 0), 0);
}

/** Mean recall over the rows of a confusion matrix that are not empty: `Σ_c TP_c / row_c / present`. */
function meanRecall(counts: Int32Array, classes: number): number {
  const recalls: number[] = [];
  for (let c = 0; c < classes; c++) {
    const total = counts.subarray(c * classes, (c + 1) * classes).reduce((sum, count) => sum + count, 0);
    if (total > 0) recalls.push((counts[c * classes + c] as number) / total);
  }
  return mean(recalls);
}

/** Mean of `2·TP / (row + column)` over the classes whose row or column is not empty. */
function meanF1(counts: Int32Array, classes: number): number {
  const scores: number[] = [];
  for (let c = 0; c < classes; c++) {
    let support = 0;
    for (let k = 0; k < classes; k++)
      support += (counts[c * classes + k] as number) + (counts[k * classes + c] as number);
    if (support > 0) scores.push((2 * (counts[c * classes + c] as number)) / support);
  }
  return mean(scores);
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Predictions whose confidence lies between two bounds. */
export interface CalibrationBin {
  readonly count: number;
  readonly right: number;
  /** Sum of the confidences. */
  readonly confidence: number;
}

/** Fifteen bins of equal width, `((b − 1)/15, b/15]`, by the probability of the predicted class. */
export function binByConfidence(
  confidences: readonly number[],
  isRight: readonly boolean[],
): readonly CalibrationBin[] {
  const bins = Array.from({ length: calibrationBins }, () => ({ count: 0, right: 0, confidence: 0 }));
  confidences.forEach((confidence, i) => {
    const place = Math.min(calibrationBins - 1, Math.max(0, Math.ceil(confidence * calibrationBins) - 1));
    const bin = bins[place] as (typeof bins)[0];
    bin.count++;
    bin.right += isRight[i] ? 1 : 0;
    bin.confidence += confidence;
  });
  return bins;
}

/**
 * Expected calibration error: `Σ_b |B_b| / n · |accuracy(B_b) − confidence(B_b)|`.
 * @see Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural networks", ICML 2017, equation 3
 */
const calibrationErrorOf = (bins: readonly CalibrationBin[], count: number): number =>
  bins.reduce((sum, { right, confidence }) => sum + Math.abs(right - confidence), 0) / count;

/**
 * All metrics of a set of predictions.
 * @param logits `[count, classes]`
 * @param labels right class of each image, `[count]`, at least one
 * @throws ShapeError where the numbers of logits and labels do not fit, or there are none
 */
export function evaluateLogits(logits: ArrayLike<number>, labels: ArrayLike<number>, classes: number): Metrics {
  const count = labels.length;
  if (count === 0 || logits.length !== count * classes) {
    throw new ShapeError(`metrics: expected [${count}, ${classes}] logits and at least one, got ${logits.length}.`);
  }
  const probabilities = probabilitiesOf(logits, classes);
  const predictions = bestClasses(logits, classes);
  const counts = confusionMatrix(predictions, labels, classes);
  const scored = Float64Array.from(logits);
  const rows = Array.from({ length: count }, (_, i) => i);
  const ranks = rows.map((i) => rankOf(scored.subarray(i * classes, (i + 1) * classes), labels[i] as number));
  const confidences = rows.map((i) => probabilities[i * classes + (predictions[i] as number)] as number);
  const right = rows.map((i) => predictions[i] === labels[i]);
  return {
    top1: mean(right.map(Number)),
    top5: mean(ranks.map((rank) => (rank < 5 ? 1 : 0))),
    balancedAccuracy: meanRecall(counts, classes),
    macroF1: meanF1(counts, classes),
    calibrationError: calibrationErrorOf(binByConfidence(confidences, right), count),
    nll: mean(rows.map((i) => logLoss(scored.subarray(i * classes, (i + 1) * classes), labels[i] as number))),
  };
}

/** `log Σₖ exp(x[k]) − x[label]`, taken from the logits: the probability itself may be too small for a double. */
function logLoss(row: Float64Array, label: number): number {
  const largest = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return largest + Math.log(row.reduce((sum, x) => sum + Math.exp(x - largest), 0)) - (row[label] as number);
}
