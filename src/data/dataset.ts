import { ConfigError, FormatError } from "../errors.js";

/** The three parts a data set may have. */
export type Split = "train" | "val" | "test";

/** The names of the splits, in their usual order. */
export const splitNames = ["train", "val", "test"] as const satisfies readonly Split[];

/** Labelled images in a fixed order, whose bytes are read when asked for. */
export interface Examples {
  readonly count: number;
  /** Class index of each image, 0-based. */
  readonly labels: Int32Array;
  /** A name that does not depend on where the data lies: the path below the data folder, with `/`. */
  id(index: number): string;
  /** The encoded image. */
  read(index: number): Promise<Uint8Array>;
  /** Length of the encoded image in bytes. */
  size(index: number): Promise<number>;
}

/** A classification task: class names by index, and its splits; a split that is missing is `null`. */
export interface Dataset {
  readonly layout:
    | "split folders"
    | "class folders"
    | "lists"
    | "shot lists"
    | "table"
    | "webdataset"
    | "parquet"
    | "drawn";
  readonly classes: readonly string[];
  readonly splits: Readonly<Record<Split, Examples | null>>;
}

/** The images at the given places, in their order. */
export const selectExamples = (examples: Examples, indices: ArrayLike<number>): Examples => {
  const chosen = Int32Array.from(indices);
  const at = (index: number): number => chosen[index] as number;
  return {
    count: chosen.length,
    labels: chosen.map((index) => examples.labels[index] as number),
    id: (index) => examples.id(at(index)),
    read: (index) => examples.read(at(index)),
    size: (index) => examples.size(at(index)),
  };
};

/** The images of the first, then those of the second. */
export const joinExamples = (first: Examples, second: Examples): Examples => {
  const pick = <T>(index: number, of: (examples: Examples, at: number) => T): T =>
    index < first.count ? of(first, index) : of(second, index - first.count);
  const labels = new Int32Array(first.count + second.count);
  labels.set(first.labels);
  labels.set(second.labels, first.count);
  return {
    count: labels.length,
    labels,
    id: (index) => pick(index, (examples, at) => examples.id(at)),
    read: (index) => pick(index, (examples, at) => examples.read(at)),
    size: (index) => pick(index, (examples, at) => examples.size(at)),
  };
};

/**
 * The split, which must be there.
 * @throws ConfigError naming the splits that the data set has
 */
export function requireSplit(dataset: Dataset, split: Split): Examples {
  const examples = dataset.splits[split];
  if (examples) return examples;
  const present = splitNames.filter((name) => dataset.splits[name]);
  throw new ConfigError(`data: there is no ${split} split; present: ${present.join(", ") || "none"}.`);
}

/**
 * The given labels, after a check that each is a class.
 * @param where what the labels belong to, for messages: given the index of the image
 * @throws FormatError naming the first that is not a whole number from 0 to `classes` − 1
 */
export function checkLabels(labels: Int32Array, classes: number, where: (index: number) => string): Int32Array {
  const wrong = labels.findIndex((label) => label < 0 || label >= classes);
  if (wrong < 0) return labels;
  throw new FormatError(
    `${where(wrong)}: the label ${labels[wrong]} is not a class; expected 0 to ${classes - 1}. ` +
      "Correct the label, or the list of class names.",
  );
}

const encoder = new TextEncoder();

/**
 * A hexadecimal SHA-256 that tells whether two runs saw the same data: over the class names and, for each split, the
 * name, label and byte length of every image. Pixels are left out: they would have to be read, hours for a large set.
 */
export async function digestDataset({ classes, splits }: Dataset): Promise<string> {
  const parts = [JSON.stringify(classes)];
  for (const name of splitNames) {
    const examples = splits[name];
    parts.push(`${name} ${examples?.count ?? "null"}`);
    for (let i = 0; examples && i < examples.count; i++) {
      parts.push(JSON.stringify([examples.id(i), examples.labels[i], await examples.size(i)]));
    }
  }
  const hash = await globalThis.crypto.subtle.digest("SHA-256", encoder.encode(parts.join("\n")));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
