import { FormatError } from "../errors.js";
import { type Split, splitNames } from "./dataset.js";
import { stream } from "./random.js";
import type { VtabTask } from "./vtab-tasks.js";

/** An image of the originals. */
export interface Place {
  readonly split: Split;
  readonly index: number;
}

/** The images that were drawn, in the order of the lists. */
export interface DrawnSample {
  readonly places: Readonly<Record<Split, readonly Place[]>>;
  /** How the originals were divided, in words. */
  readonly division: string;
}

/** Images of the lists train800 and val200. */
export const [trainCount, valCount] = [800, 200];

/** Of Caltech101, which comes undivided, so many images of each class are for training. */
const caltechPerClass = 30;

/**
 * A sample as VTAB-1k draws it: the originals are divided by the task's rule, then 800 of the training part, 200 of the
 * validation part and the whole test part are taken in a random order, whatever their class.
 * @param labels classes of the originals by split
 * @param testImages test images at most
 * @throws FormatError where there are too few images
 */
export function drawSample(
  task: VtabTask,
  labels: Readonly<Record<Split, ArrayLike<number> | null>>,
  seed: number,
  testImages = Number.POSITIVE_INFINITY,
): DrawnSample {
  // Tasks with the same originals are drawn alike, so they have the same images, as in VTAB.
  const originals = task.source ?? task.name;
  const shuffled = (split: Split): Place[] =>
    Array.from(stream(seed, "vtab", originals, split).permutation(labels[split]?.length ?? 0), (index) => ({
      split,
      index,
    }));
  const found = { train: shuffled("train"), val: shuffled("val"), test: shuffled("test") };
  const { train, val, test, division } = divide(task, found, ({ split, index }) => labels[split]?.[index] ?? -1, seed);
  const parts = { train: train.slice(0, trainCount), val: val.slice(0, valCount), test: test.slice(0, testImages) };
  const least = { train: trainCount, val: valCount, test: 1 };
  const short = splitNames.find((split) => parts[split].length < least[split]);
  if (!short) return { places: parts, division };
  throw new FormatError(
    `${task.name}: expected originals with at least ${least[short]} images for ${short}, found ${parts[short].length} ` +
      `(divided by ${division}). Give all of the originals.`,
  );
}

type LabelOf = (place: Place) => number;

type Parts = Readonly<Record<Split, readonly Place[]>> & { readonly division: string };

function divide(task: VtabTask, found: Record<Split, Place[]>, labelOf: LabelOf, seed: number): Parts {
  const { division } = task;
  const name = task.source ?? task.name;
  const { train, val, test } = found;
  const all = [...train, ...val, ...test];
  if (division === "60-20-20") return inShares(mixed(all, name, seed), 60, 20);
  if (division === "80-10-10") return inShares(mixed(all, name, seed), 80, 10);
  if (division === "val-is-test" && val.length > 0) {
    const text = "a tenth of their training images is val, their validation images are the test";
    return { ...withVal(train, 90), test: val, division: text };
  }
  if (test.length === 0) return withoutTest(name, all, labelOf, seed);
  if (division === "half-of-test") {
    const [first, second] = cut(test, 50);
    return { train, val: first, test: second, division: "as they come, and half of their test images is val" };
  }
  if (division === "official" && val.length > 0) return { train, val, test, division: "as they come" };
  const percent = division === "cut-80" ? 80 : 90;
  const own = mixed([...train, ...val], name, seed);
  return {
    ...withVal(own, percent),
    test,
    division: `as they come, and ${100 - percent} % of their training images is val`,
  };
}

/** Originals without test images: Caltech101 by its own rule, all others by 60 : 20 : 20. */
function withoutTest(name: string, all: readonly Place[], labelOf: LabelOf, seed: number): Parts {
  if (name !== "caltech101") {
    const shares = inShares(mixed(all, name, seed), 60, 20);
    return { ...shares, division: `${shares.division}, for they come without test images` };
  }
  const taken = new Map<number, number>();
  const own: Place[] = [];
  const test: Place[] = [];
  for (const place of all) {
    const label = labelOf(place);
    const count = taken.get(label) ?? 0;
    taken.set(label, count + 1);
    (count < caltechPerClass ? own : test).push(place);
  }
  const division = `${caltechPerClass} images of each class are for training, a tenth of them val, the others are the test`;
  return { ...withVal(own, 90), test, division };
}

/** The first so many percent of the places, and the others. */
function cut(places: readonly Place[], percent: number): readonly [readonly Place[], readonly Place[]] {
  const at = Math.floor((places.length * percent) / 100);
  return [places.slice(0, at), places.slice(at)];
}

function withVal(places: readonly Place[], percent: number): Pick<Parts, "train" | "val"> {
  const [train, val] = cut(places, percent);
  return { train, val };
}

function inShares(all: readonly Place[], train: number, val: number): Parts {
  const [first, second] = [train, train + val].map((share) => Math.floor((all.length * share) / 100)) as [
    number,
    number,
  ];
  return {
    train: all.slice(0, first),
    val: all.slice(first, second),
    test: all.slice(second),
    division: `all images together, ${train} : ${val} : ${100 - train - val}`,
  };
}

const mixed = (places: readonly Place[], name: string, seed: number): Place[] =>
  Array.from(stream(seed, "vtab", name, "all").permutation(places.length), (at) => places[at] as Place);
