import { type Architecture, tokensOf } from "../vit/architecture.js";

/** How much a training has to do. */
export interface Work {
  readonly architecture: Architecture;
  readonly images: { readonly train: number; readonly val: number; readonly test: number };
  readonly epochs: number;
  /** True where only the head is trained: then every image is looked at once. */
  readonly isHeadAlone: boolean;
  /** True where the backbone's own weights are trained. */
  readonly trainsBackbone: boolean;
  /** True where the test images are scored. */
  readonly scoresTest: boolean;
}

/**
 * Floating point operations of the network for one image, two for each multiplication with its addition:
 * `2 · blocks · (tokens · (4 width² + 2 width · hidden) + 2 tokens² · width) + 2 · tokens · width · pixels of a patch`.
 */
export function forwardOperations(a: Architecture): number {
  const tokens = tokensOf(a);
  const block = tokens * (4 * a.width ** 2 + 2 * a.width * a.hidden) + 2 * tokens ** 2 * a.width;
  return 2 * a.blocks * block + 2 * tokens * a.width * 3 * a.patchSize ** 2;
}

/**
 * Operations of a whole training. A training step costs two passes through a frozen network, forward and backward, and
 * three through one that is trained itself.
 */
export function operationsOf({ architecture, images, epochs, isHeadAlone, trainsBackbone, scoresTest }: Work): number {
  const { train, val, test } = images;
  const passes = isHeadAlone ? train + val : epochs * ((trainsBackbone ? 3 : 2) * train + val);
  return forwardOperations(architecture) * (passes + (scoresTest ? test : 0));
}

/** What a core reaches at least, in operations per second; measured speeds are half as much again to twice that. */
const operationsPerCore = 45e9;

/** What every trial takes beside arithmetic: threads, graphs, files. */
const overheadSeconds = 2;

/** Seconds that a trial will about take. @param factor measured seconds per estimated second, where some are known */
export const secondsOf = (work: Work, threads: number, factor = 1): number =>
  factor * (overheadSeconds + operationsOf(work) / (threads * operationsPerCore));
