import { FormatError, suggest } from "../errors.js";
import { type ClassNames, namesByIndex } from "./class-names.js";
import { byCodePoint } from "./file-tree.js";

/** More classes than this are not numbers of classes, but years or identities. */
const mostClasses = 100_000;

/** Classes, and for each label its index among them. */
export interface IndexedLabels {
  readonly classes: readonly string[];
  indexOf(label: string): number;
}

/**
 * The classes that labels mean. With a file of class names the labels are names, keys of its table, or indices; without
 * one they are indices where all of them are whole numbers, and else names, in the order of their code points.
 * @param labels every label there is, of all splits
 * @param where what a label belongs to, for messages: given its place
 * @throws FormatError naming the first label that is no class
 */
export function indexLabels(
  labels: readonly string[],
  given: ClassNames | undefined,
  where: (index: number) => string,
): IndexedLabels {
  const words = new Set(labels);
  const areNumbers = [...words].every((label) => /^\d{1,9}$/.test(label));
  const among = (classes: readonly string[], keys: Iterable<string>): IndexedLabels => {
    const places = new Map(Array.from(keys, (key, i) => [key, i]));
    const wrong = labels.findIndex((label) => !places.has(label));
    if (wrong < 0) return { classes, indexOf: (label) => places.get(label) as number };
    const label = labels[wrong] as string;
    const known =
      areNumbers && !given?.byWord ? `expected 0 to ${classes.length - 1}` : suggest(label, classes.slice(0, 200));
    throw new FormatError(
      `${where(wrong)}: the label ${areNumbers ? label : JSON.stringify(label.slice(0, 80))} is not a class; ${known} ` +
        "Correct the label, or the list of class names.",
    );
  };
  const counting = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => String(i));
  if (given) {
    if ([...words].every((label) => given.names.includes(label))) return among(given.names, given.names);
    if (areNumbers) {
      const names = namesByIndex(given);
      return among(names, counting(names.length));
    }
    return given.byWord ? among(given.names, given.byWord.keys()) : among(given.names, given.names);
  }
  if (!areNumbers) {
    const names = [...words].sort(byCodePoint);
    return among(names, names);
  }
  const largest = [...words].reduce((max, label) => Math.max(max, Number(label)), 0);
  if (largest < mostClasses) {
    const names = counting(largest + 1);
    return among(names, names);
  }
  throw new FormatError(
    `${where(labels.findIndex((label) => Number(label) === largest))}: the label ${largest} is not the number of a class; ` +
      `expected below ${mostClasses}. Number the classes from 0, or use names.`,
  );
}
