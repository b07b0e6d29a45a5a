import { type Split, splitNames } from "../data/dataset.js";
import { FormatError } from "../errors.js";
import { probabilitiesOf, topClasses } from "./metrics.js";

/** What a network says of one image. */
export interface ImagePrediction {
  readonly split: Split;
  /** The image's name in its data set. */
  readonly image: string;
  /** The right class. */
  readonly label: number;
  /** The probability of the right class. */
  readonly probability: number;
  /** The most probable classes, best first, at most five. */
  readonly top: readonly (readonly [index: number, probability: number])[];
}

/**
 * The predictions behind logits, one image after the other.
 * @param logits `[count, classes]`
 * @param idOf the name of the image in a row
 */
export function* predictionsOf(
  split: Split,
  { logits, labels }: { readonly logits: Float32Array; readonly labels: Int32Array },
  idOf: (row: number) => string,
): Generator<ImagePrediction> {
  const classes = labels.length === 0 ? 0 : logits.length / labels.length;
  for (const [row, label] of labels.entries()) {
    const probabilities = probabilitiesOf(logits.subarray(row * classes, (row + 1) * classes), classes);
    const at = (index: number): number => Number((probabilities[index] as number).toPrecision(6));
    const top = topClasses(probabilities, 5).map((index) => [index, at(index)] as const);
    yield { split, image: idOf(row), label, probability: at(label), top };
  }
}

/**
 * The prediction in a line of JSON.
 * @param where file and line, for messages
 * @throws FormatError where it is none, or its classes are not below `classes`
 */
export function parsePrediction(line: string, classes: number, where: string): ImagePrediction {
  let value: Partial<ImagePrediction> | null = null;
  try {
    value = JSON.parse(line) as Partial<ImagePrediction> | null;
  } catch {
    // Told below.
  }
  const isClass = (index: unknown): boolean =>
    Number.isInteger(index) && (index as number) >= 0 && (index as number) < classes;
  const isShare = (share: unknown): boolean => typeof share === "number" && share >= 0 && share <= 1;
  const isPair = (pair: unknown): boolean => Array.isArray(pair) && isClass(pair[0]) && isShare(pair[1]);
  if (
    typeof value === "object" &&
    value !== null &&
    splitNames.some((name) => name === value.split) &&
    typeof value.image === "string" &&
    isClass(value.label) &&
    isShare(value.probability) &&
    Array.isArray(value.top) &&
    value.top.length > 0 &&
    value.top.every(isPair)
  ) {
    return value as ImagePrediction;
  }
  throw new FormatError(
    `${where}: this is no prediction over ${classes} classes: ${JSON.stringify(line.slice(0, 60))}. Delete the file, or train the run again.`,
  );
}
