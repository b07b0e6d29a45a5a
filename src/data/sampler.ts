import { ConfigError } from "../errors.js";
import { groupBy } from "./group.js";
import { stream } from "./random.js";

/** Places of the samples of each class. */
const membersOf = (labels: ArrayLike<number>): ReadonlyMap<number, readonly number[]> =>
  groupBy(Array.from(labels).keys(), (i) => labels[i] as number);

/** The order in which an epoch visits the samples: a permutation that depends on seed and epoch alone. */
export const epochOrder = (count: number, seed: number, epoch: number): Int32Array<ArrayBuffer> =>
  stream(seed, "order", epoch).permutation(count);

/**
 * As many places as there are samples, shared out evenly among the classes that have some: the classes come in a random
 * order again and again, and each gives the next of its samples, whose order is drawn anew when all were there.
 * @param labels class of each sample
 * @see Shen, Lin, Huang, Relay Backpropagation for Effective Learning of Deep Convolutional Neural Networks, 2016, section 3.2
 */
export function balancedOrder(labels: Int32Array, seed: number, epoch: number): Int32Array<ArrayBuffer> {
  const members = membersOf(labels);
  const classes = [...members.keys()].sort((a, b) => a - b);
  const inTurn = (path: readonly (number | string)[], values: readonly number[]): (() => number) => {
    const random = stream(seed, "balanced", epoch, ...path);
    let left: number[] = [];
    return () => {
      if (left.length === 0) left = Array.from(random.permutation(values.length), (at) => values[at] as number);
      return left.pop() as number;
    };
  };
  const nextClass = inTurn(["classes"], classes);
  const nextOf = new Map(classes.map((label) => [label, inTurn([label], members.get(label) ?? [])]));
  return Int32Array.from(labels, () => nextOf.get(nextClass())?.() as number);
}

/**
 * Consecutive pieces of an order, the last one as short as it comes; none is dropped.
 * @param batchSize at least 1; a set smaller than this is one batch
 */
export function inBatches(order: Int32Array, batchSize: number): readonly Int32Array[] {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new ConfigError(`batch size: expected a whole number of at least 1, got ${batchSize}.`);
  }
  const count = Math.ceil(order.length / batchSize);
  return Array.from({ length: count }, (_, i) => order.subarray(i * batchSize, (i + 1) * batchSize));
}

/**
 * The sample indices of every batch of an epoch. A run that continues after `k` batches takes `.slice(k)`: nothing
 * depends on what was drawn before.
 * @throws ConfigError where the batch size is not at least 1
 */
export const batches = (count: number, batchSize: number, seed: number, epoch: number): readonly Int32Array[] =>
  inBatches(epochOrder(count, seed, epoch), batchSize);

/** The sample indices of every batch in the set's own order, as evaluation visits them. */
export const batchesInOrder = (count: number, batchSize: number): readonly Int32Array[] =>
  inBatches(
    Int32Array.from({ length: count }, (_, i) => i),
    batchSize,
  );

/** How many of `count` things go to each part: largest remainders, and one for each part while there are enough. */
function shareOut(count: number, fractions: readonly number[]): number[] {
  const exact = fractions.map((fraction) => fraction * count);
  const sizes = exact.map((share) => Math.floor(share + 1e-9));
  const byRemainder = exact
    .map((share, part) => ({ part, rest: share - (sizes[part] ?? 0) }))
    .sort((a, b) => b.rest - a.rest || a.part - b.part);
  const used = sizes.reduce((sum, size) => sum + size, 0);
  for (const { part } of byRemainder.slice(0, count - used)) sizes[part] = (sizes[part] ?? 0) + 1;
  if (count === 0) return sizes;
  // A class that a part lacks can be neither learned nor measured there; the first part (training) comes first.
  for (let part = 0; part < sizes.length; part++) {
    const largest = sizes.indexOf(Math.max(...sizes));
    const mayGive = part === 0 || (sizes[largest] ?? 0) > 1;
    if (sizes[part] === 0 && (fractions[part] ?? 0) > 0 && mayGive) {
      sizes[largest] = (sizes[largest] ?? 0) - 1;
      sizes[part] = 1;
    }
  }
  return sizes;
}

/**
 * The sample indices of each part of a random split that keeps the classes' proportions, ascending within a part.
 * A class with at least as many samples as parts is in every part, a class with one sample in the first part alone.
 * @param labels class of each sample
 * @param fractions share of each part, positive, sum 1
 * @throws ConfigError where the fractions are not positive or do not sum to 1
 */
export function splitStratified(
  labels: ArrayLike<number>,
  fractions: readonly number[],
  seed: number,
): readonly Int32Array[] {
  const total = fractions.reduce((sum, fraction) => sum + fraction, 0);
  if (!fractions.every((fraction) => fraction > 0) || Math.abs(total - 1) > 1e-9) {
    throw new ConfigError(`split: expected positive fractions that sum to 1, got ${fractions.join(", ") || "none"}.`);
  }
  const parts: number[][] = fractions.map(() => []);
  for (const [label, group] of membersOf(labels)) {
    const order = stream(seed, "split", label).permutation(group.length);
    let start = 0;
    shareOut(group.length, fractions).forEach((size, part) => {
      for (const at of order.subarray(start, start + size)) parts[part]?.push(group[at] as number);
      start += size;
    });
  }
  return parts.map((part) => Int32Array.from(part).sort());
}
