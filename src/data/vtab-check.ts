import { counted } from "../counts.js";
import type { VtabTask } from "./vtab-tasks.js";

/** The lists of a task, in their usual order. */
export const vtabLists = ["train800", "val200", "train800val200", "test"] as const;

/** A list of a task. */
export type VtabList = (typeof vtabLists)[number];

/** What was found of a list: the images it names, and what lies under their paths. */
export interface FoundList {
  readonly paths: readonly string[];
  readonly labels: ArrayLike<number>;
  /** SHA-256 of each file; `null` where it is missing or no image. */
  readonly hashes: readonly (string | null)[];
  /** What is wrong with those without a hash, by path. */
  readonly unreadable: ReadonlyMap<string, string>;
}

/** What `info.json` says of a sample of our own. */
export interface OwnSample {
  readonly seed: number;
  /** Test images at most, where they were limited. */
  readonly testImages: number | null;
  /** Digest of the originals' names and lengths. */
  readonly source: string;
  /** The digest that it had when it was written. */
  readonly digest: string;
}

/** What a task's folder turns out to be. */
export interface Verdict {
  /** `subset`: in order, but with fewer test images than VTAB-1k has. */
  readonly state: "complete" | "subset" | "own sample" | "faulty";
  /** One line each: what must be mended. */
  readonly faults: readonly string[];
  /** One line each: what is worth knowing. */
  readonly notes: readonly string[];
}

const sizes = { train800: 800, val200: 200, train800val200: 1000 } as const;
/** Of the images of a split, so many may also be in another one: CIFAR-100 and dSprites hold some images twice. */
const sharedShare = 1 / 20;

/**
 * What a task's lists and files amount to.
 * @param lists those that are there
 * @param own what the folder says of being a sample of our own
 * @param digest of the task's lists and files, as they are now
 */
export function judgeTask(
  task: VtabTask,
  lists: Readonly<Partial<Record<VtabList, FoundList>>>,
  own: OwnSample | undefined,
  digest: string | null,
): Verdict {
  const faults: string[] = [];
  const notes: string[] = [];
  for (const name of vtabLists) {
    const list = lists[name];
    if (!list) faults.push(`${name}.txt is missing.`);
    else faults.push(...faultsOf(task, name, list));
  }
  const { train800, val200, train800val200, test } = lists;
  if (train800 && val200 && train800val200 && !isUnion(train800, val200, train800val200)) {
    faults.push("train800val200.txt does not hold the images of train800.txt and val200.txt with their labels.");
  }
  const training = train800val200 ?? train800;
  const pairs = [
    ["val200", val200, "train800", train800],
    ["test", test, train800val200 ? "train800val200" : "train800", training],
  ] as const;
  for (const [name, list, otherName, other] of pairs) {
    if (list && other) compareLists(name, list, otherName, other, faults, notes);
  }
  if (training) {
    const seen = new Set(Array.from(training.labels));
    const unseen = task.classes - seen.size;
    if (unseen > 0) notes.push(`${unseen} of ${task.classes} classes have no training image.`);
  }
  if (own && own.digest !== digest) faults.push("lists or images are not those that info.json was written for.");
  const count = test?.paths.length ?? 0;
  if (!own && test && count < task.testImages) {
    notes.push(`test.txt names ${count} of VTAB-1k's ${task.testImages} images: a subset, not to be compared.`);
  }
  if (own) notes.push(`own sample, drawn with seed ${own.seed}: not to be compared with published figures.`);
  const whole = count === task.testImages ? "complete" : "subset";
  return { state: faults.length > 0 ? "faulty" : own ? "own sample" : whole, faults, notes };
}

function faultsOf(task: VtabTask, name: VtabList, { paths, labels, hashes, unreadable }: FoundList): string[] {
  const faults: string[] = [];
  const expected = name === "test" ? undefined : sizes[name];
  if (expected !== undefined && paths.length !== expected) {
    faults.push(`${name}.txt names ${paths.length} images; expected ${expected}.`);
  }
  if (name === "test" && paths.length > task.testImages) {
    faults.push(`test.txt names ${paths.length} images; VTAB-1k has ${task.testImages}.`);
  }
  const wrong = Array.from(labels).flatMap((label, i) => (label >= task.classes ? [i] : []));
  const [first] = wrong;
  if (first !== undefined) {
    faults.push(
      `${name}.txt: ${counted(wrong.length, "label")} beyond ${task.classes - 1}, first ${labels[first]} of ${paths[first]}.`,
    );
  }
  const twice = firstTwice(paths);
  if (twice !== undefined) faults.push(`${name}.txt names ${twice} more than once.`);
  const lost = paths.filter((_, i) => hashes[i] === null);
  const [firstLost] = lost;
  if (firstLost !== undefined) {
    faults.push(
      `${name}.txt: ${counted(lost.length, "image")} cannot be read; first ${firstLost}: ${unreadable.get(firstLost) ?? "missing"}.`,
    );
  }
  return faults;
}

function firstTwice(paths: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return paths.find((path) => seen.size === seen.add(path).size);
}

/** Contents with labels, whatever the order and the paths: the usual layout stores the images of the union anew. */
function isUnion(first: FoundList, second: FoundList, union: FoundList): boolean {
  const keys = ({ hashes, labels }: FoundList): string[] => hashes.map((hash, i) => `${hash} ${labels[i]}`);
  return [...keys(first), ...keys(second)].sort().join("\n") === keys(union).sort().join("\n");
}

/** Adds what two lists that should have nothing in common share. */
function compareLists(
  name: string,
  list: FoundList,
  otherName: string,
  other: FoundList,
  faults: string[],
  notes: string[],
): void {
  const paths = new Set(other.paths);
  const same = list.paths.filter((path) => paths.has(path));
  if (same.length > 0) {
    faults.push(`${name}.txt and ${otherName}.txt share ${counted(same.length, "path")}, first ${same[0]}.`);
    return;
  }
  const contents = new Map(other.hashes.map((hash, i) => [hash, i]));
  const shared = list.hashes.flatMap((hash, i) => (hash !== null && contents.has(hash) ? [i] : []));
  const [first] = shared;
  if (first === undefined) return;
  const twin = other.paths[contents.get(list.hashes[first] ?? null) ?? -1];
  const isMany = shared.length > sharedShare * list.paths.length;
  const others = shared.filter((i) => list.labels[i] !== other.labels[contents.get(list.hashes[i] ?? null) ?? -1]);
  const contradiction = others.length > 0 ? `, ${others.length} with another label` : "";
  (isMany ? faults : notes).push(
    `${counted(shared.length, "image")} of ${name}.txt ${shared.length === 1 ? "is" : "are"} also in ${otherName}.txt` +
      `${contradiction}, first ${list.paths[first]} = ${twin}.`,
  );
}
