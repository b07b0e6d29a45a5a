import type { Dataset, Examples, Split } from "../../data/dataset.js";
import { splitNames } from "../../data/dataset.js";

/** Labelled originals of one split, read in one pass. */
export interface Pool {
  /** The task's class of each image. */
  readonly labels: Int32Array;
  /** The encoded images of these places, ascending. */
  read(wanted: readonly number[]): AsyncGenerator<Uint8Array>;
}

/** The originals of a task, with its own classes. */
export interface Originals {
  /** What they were read as, for a person. */
  readonly form: string;
  readonly classes: readonly string[];
  readonly splits: Readonly<Record<Split, Pool | null>>;
}

/** A pool of images that can be read in any order. */
export const poolOf = (examples: Examples, labels: Int32Array = examples.labels): Pool => ({
  labels,
  async *read(wanted) {
    for (const index of wanted) yield await examples.read(index);
  },
});

/** The originals of a data set, whose labels become classes by a rule; default: they are classes already. */
export function originalsOf(
  { splits }: Dataset,
  form: string,
  classes: readonly string[],
  classOf: (label: number) => number = (label) => label,
): Originals {
  const pools = splitNames.map((name) => {
    const examples = splits[name];
    return [name, examples && poolOf(examples, examples.labels.map(classOf))] as const;
  });
  return { form, classes, splits: Object.fromEntries(pools) as Record<Split, Pool | null> };
}
