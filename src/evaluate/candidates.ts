import { topClasses } from "./metrics.js";

/** One class that an image may show. */
export interface Candidate {
  readonly index: number;
  /** The class's name; the index as text where no name is known. */
  readonly class: string;
  readonly probability: number;
}

/**
 * The most probable classes of one image, best first.
 * @param probabilities `[classes]`
 * @param topK how many; all where there are fewer
 */
export const candidatesOf = (
  probabilities: ArrayLike<number>,
  classes: readonly string[],
  topK = 5,
): readonly Candidate[] =>
  topClasses(probabilities, Math.min(topK, probabilities.length)).map((index) => ({
    index,
    class: classes[index] ?? String(index),
    probability: probabilities[index] as number,
  }));
