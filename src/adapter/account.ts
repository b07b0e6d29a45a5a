import { thousands } from "../counts.js";

/** How many parameters an adapter has: the head is counted apart and belongs neither to `trainable` nor to `total`. */
export interface Account {
  readonly trainable: number;
  readonly head: number;
  /** Backbone without its head, and the trainable parameters that are not the backbone's own. */
  readonly total: number;
  /** trainable / total, a fraction. */
  readonly share: number;
}

/**
 * The account of an adapted network.
 * @param added trained parameters that stand beside the backbone's
 * @param thawed trained parameters that are the backbone's own (`full`: all of them)
 * @param backbone the backbone's parameters without its head
 */
export function accountOf(added: number, thawed: number, backbone: number, head: number): Account {
  const [trainable, total] = [added + thawed, backbone + added];
  return { trainable, head, total, share: trainable / total };
}

/** The account in one line: `trainable params: 37,056 || all params: 85,835,712 || trainable%: 0.0432 || head: 7,690`. */
export function printAccount({ trainable, head, total, share }: Account): string {
  const [a, b, c] = [trainable, total, head].map(thousands);
  return `trainable params: ${a} || all params: ${b} || trainable%: ${(100 * share).toFixed(4)} || head params: ${c}`;
}
