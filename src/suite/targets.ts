import { ConfigError } from "../errors.js";
import { evaluateLogits, type Metrics } from "../evaluate/metrics.js";

/** How the classes of a target lie among those a network was trained for. */
export interface ClassMatch {
  /** Place of each of the target's classes among the network's. */
  readonly places: readonly number[];
  /** True where the target has fewer classes than the network. */
  readonly isSubset: boolean;
}

/**
 * The match of a target's classes: by their names, or by the numbers of the source's classes, as ImageNet-V2's folders have
 * them. Some classes that are numbered from 0 without a gap are refused: copies of ImageNet-A and R count their own so.
 * @throws ConfigError naming a class that the network does not know
 */
export function matchClasses(target: readonly string[], known: readonly string[], where: string): ClassMatch {
  const isNumbered =
    target.every((name) => /^\d+$/.test(name) && Number(name) < known.length) && !known.includes(target[0] ?? "");
  const isOwnCount = target.length < known.length && target.every((name) => Number(name) < target.length);
  if (isNumbered && target.length > 1 && isOwnCount) {
    throw new ConfigError(
      `${where}: its ${target.length} classes are called 0 to ${target.length - 1}, of ${known.length} that the source has, so the numbers may be its own. Name its folders as the source's classes.`,
    );
  }
  const places = target.map((name) => (isNumbered ? Number(name) : known.indexOf(name)));
  const strange = target[places.indexOf(-1)];
  if (strange !== undefined) {
    throw new ConfigError(
      `${where}: the class ${JSON.stringify(strange)} is none of the ${known.length} the source has. Give a target with the source's classes, or some of them.`,
    );
  }
  return { places, isSubset: new Set(places).size < known.length };
}

/**
 * The figures of a target, by name. Where it has all classes, one figure; where it has some, two, and never one without
 * saying which: among the logits of its own classes alone (the mask), and among all logits.
 * @param name of the target
 * @param logits `[count, classes]`
 * @param labels class of each image among the target's own, `[count]`
 */
export function judgeTarget(
  name: string,
  { places, isSubset }: ClassMatch,
  { logits, labels }: { readonly logits: Float32Array; readonly labels: Int32Array },
  classes: number,
): Readonly<Record<string, Metrics>> {
  const all = evaluateLogits(
    logits,
    labels.map((label) => places[label] as number),
    classes,
  );
  if (!isSubset) return { [name]: all };
  const masked = new Float32Array(labels.length * places.length);
  for (let i = 0; i < labels.length; i++) {
    places.forEach((place, j) => {
      masked[i * places.length + j] = logits[i * classes + place] as number;
    });
  }
  return {
    [`${name} (${places.length}-class mask)`]: evaluateLogits(masked, labels, places.length),
    [`${name} (all ${classes} logits)`]: all,
  };
}
