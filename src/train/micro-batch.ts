import { type Architecture, tokensOf } from "../vit/architecture.js";

/** Rows of tokens per run at which the caches still hold the activations; measured, see bench/NOTES.md. */
const rowsPerRun = 400;

/**
 * Images per run of `accumulate`: a pure function of shapes, never of a timing, because a run is only repeated bit by
 * bit with the same micro-batch. The batch is cut into equal parts of about `rowsPerRun` rows of tokens.
 */
export function microBatchOf(a: Architecture, batchSize: number): number {
  const most = Math.max(1, Math.round(rowsPerRun / tokensOf(a)));
  return Math.ceil(batchSize / Math.ceil(batchSize / most));
}
