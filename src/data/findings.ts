import { counted } from "../counts.js";
import { type Dataset, type Split, splitNames } from "./dataset.js";
import { groupBy } from "./group.js";
import { groupNear, nearness } from "./near-duplicates.js";
import type { ImageFacts, Survey } from "./survey.js";

/** Something about a data set that one should know, and what to do about it. */
export interface Finding {
  readonly kind:
    | "unreadable"
    | "conflict"
    | "leak"
    | "near-leak"
    | "duplicate"
    | "near-duplicate"
    | "one-class"
    | "empty-class"
    | "unscored-class"
    | "imbalance"
    | "tiny"
    | "stretched";
  /** How many images it concerns; of `one-class`, `empty-class`, `unscored-class` and `imbalance`, classes. */
  readonly count: number;
  /** What was found, in one sentence. */
  readonly text: string;
  /** What to do about it. */
  readonly advice: string;
  /** The images, those that belong together in one group. */
  readonly groups: readonly (readonly string[])[];
}

/** An image with a shorter side than this shows little, in pixels. */
const leastSide = 32;
/** A longer side of more than this many times the shorter one is squeezed badly. */
const mostStretch = 3;
/** The largest class may have this many times the images of the smallest before one has to do something. */
const mostImbalance = 3;

/** What there is to say about a data set, the worst first; nothing where all is well. */
export function findFaults(dataset: Dataset, survey: Survey): readonly Finding[] {
  const same = groupBy(survey.images, ({ pixelHash }) => pixelHash);
  // One of each group of identical images stands for it, so that a near duplicate is no identical one.
  const distinct = [...same.values()].map(([first]) => first as ImageFacts);
  const identical = [...same.values()].filter(({ length }) => length > 1);
  const near = groupNear(distinct.map(({ print }) => print)).map((places) =>
    places.flatMap((place) => same.get(distinct[place]?.pixelHash ?? "") ?? []),
  );
  return [
    ...unreadable(survey),
    ...conflicts(identical.filter(hasConflict), dataset.classes),
    ...leaks(identical, "leak"),
    ...leaks(near, "near-leak"),
    ...duplicates(identical.filter((images) => !hasConflict(images))),
    ...nearDuplicates(near),
    ...classFaults(dataset),
    ...shapes(survey.images),
  ];
}

const idsOf = (images: readonly ImageFacts[]): readonly string[] => images.map(({ id }) => id);

function unreadable({ unreadable: images }: Survey): readonly Finding[] {
  if (images.length === 0) return [];
  return [
    {
      kind: "unreadable",
      count: images.length,
      text: `${counted(images.length, "image")} cannot be read.`,
      advice: "Replace or remove them, or train with --skip-unreadable.",
      groups: images.map(({ reason }) => [reason]),
    },
  ];
}

const hasConflict = (images: readonly ImageFacts[]): boolean => new Set(images.map(({ label }) => label)).size > 1;

function conflicts(groups: readonly (readonly ImageFacts[])[], classes: readonly string[]): readonly Finding[] {
  if (groups.length === 0) return [];
  return [
    {
      kind: "conflict",
      count: groups.reduce((sum, { length }) => sum + length, 0),
      text: `${counted(groups.length, "image")} ${groups.length === 1 ? "is" : "are"} there with different labels.`,
      advice: "Keep the right label of each: nobody can learn both.",
      groups: groups.map((images) => images.map(({ id, label }) => `${id} (${classes[label] ?? label})`)),
    },
  ];
}

function leaks(groups: readonly (readonly ImageFacts[])[], kind: "leak" | "near-leak"): readonly Finding[] {
  const pairs: readonly (readonly [Split, Split])[] = [
    ["train", "test"],
    ["val", "test"],
    ["train", "val"],
  ];
  return pairs.flatMap(([from, to]) => {
    const shared = groups
      .map((images) => images.filter(({ split }) => split === from || split === to))
      .filter((images) => new Set(images.map(({ split }) => split)).size === 2);
    const count = shared.reduce((sum, images) => sum + images.filter(({ split }) => split === to).length, 0);
    if (count === 0) return [];
    const how = kind === "leak" ? "also" : "almost the same as one";
    return [
      {
        kind,
        count,
        text: `${counted(count, `${to} image`)} ${count === 1 ? "is" : "are"} ${how} in ${from}.`,
        advice:
          kind === "leak"
            ? `Remove them from ${from}: what was seen while training says nothing about new images.`
            : `Look at them. Pictures of one scene belong in one split, or the ${to} accuracy is too good.`,
        groups: shared.map(idsOf),
      },
    ];
  });
}

/** The images of each group that lie in one split, where there are several. */
const withinSplits = (groups: readonly (readonly ImageFacts[])[]): readonly (readonly ImageFacts[])[] =>
  groups.flatMap((images) => [...groupBy(images, ({ split }) => split).values()]).filter(({ length }) => length > 1);

const surplus = (groups: readonly (readonly ImageFacts[])[]): number =>
  groups.reduce((sum, { length }) => sum + length - 1, 0);

function duplicates(identical: readonly (readonly ImageFacts[])[]): readonly Finding[] {
  const groups = withinSplits(identical);
  const count = surplus(groups);
  if (count === 0) return [];
  const other = surplus(
    groups.map((images) =>
      [...groupBy(images, ({ fileHash }) => fileHash).values()].map(([first]) => first as ImageFacts),
    ),
  );
  const stored = other === 0 ? "" : `, ${other === count ? "all" : other} of them stored in another way`;
  return [
    {
      kind: "duplicate",
      count,
      text: `${counted(count, "image")} ${count === 1 ? "repeats another of its" : "repeat others of their"} split${stored}.`,
      advice: "Keep one of each: the others weigh it double, and a random split would leak.",
      groups: groups.map(idsOf),
    },
  ];
}

function nearDuplicates(near: readonly (readonly ImageFacts[])[]): readonly Finding[] {
  const groups = withinSplits(near).filter((images) => new Set(images.map(({ pixelHash }) => pixelHash)).size > 1);
  const count = surplus(groups);
  if (count === 0) return [];
  return [
    {
      kind: "near-duplicate",
      count,
      text:
        `${counted(count, "image")} ${count === 1 ? "looks almost like another of its" : "look almost like others of their"} split ` +
        `(at most ${nearness.bits} of 144 bits of the difference hash apart).`,
      advice: "Look at them: copies can go, and pictures of one scene must not be divided between splits.",
      groups: groups.map(idsOf),
    },
  ];
}

/** Images of each class in a split, those that cannot be read included. */
export function countClasses({ classes, splits }: Dataset, split: Split): Int32Array {
  const counts = new Int32Array(classes.length);
  for (const label of splits[split]?.labels ?? []) counts[label] = (counts[label] as number) + 1;
  return counts;
}

function classFaults(dataset: Dataset): readonly Finding[] {
  const { classes } = dataset;
  const counts = countClasses(dataset, "train");
  const present = classes
    .map((name, label) => ({ name, label, count: counts[label] as number }))
    .filter(({ count }) => count > 0);
  const empty = classes.filter((_, label) => counts[label] === 0);
  const sorted = [...present].sort((a, b) => a.count - b.count);
  const [least, most] = [sorted[0], sorted.at(-1)];
  const isOffset = empty.length === 1 && empty[0] === "0" && classes.every((name, i) => name === String(i));
  const findings: Finding[] = [];
  if (classes.length === 1) {
    findings.push({
      kind: "one-class",
      count: 1,
      text: "There is one class only, so there is nothing to tell apart.",
      advice: "Training needs two or more: give each class a folder of its own, or a name of its own in the list.",
      groups: [],
    });
  }
  if (empty.length > 0) {
    findings.push({
      kind: "empty-class",
      count: empty.length,
      text: `${counted(empty.length, "class", "classes")} ${empty.length === 1 ? "has" : "have"} no training image.`,
      advice: isOffset
        ? "Labels count from 0 here, and these seem to count from 1: subtract 1, or use names."
        : "They cannot be learned: add images, or take the names out of the list of classes.",
      groups: empty.map((name) => [name]),
    });
  }
  for (const split of ["val", "test"] as const) {
    if (!dataset.splits[split]) continue;
    const scored = countClasses(dataset, split);
    const missing = present.filter(({ label }) => scored[label] === 0);
    if (missing.length === 0) continue;
    findings.push({
      kind: "unscored-class",
      count: missing.length,
      text: `${counted(missing.length, "class", "classes")} ${missing.length === 1 ? "has" : "have"} no ${split} image.`,
      advice: `How well they are told apart will not show in the ${split} accuracy: add images of them to ${split}.`,
      groups: missing.map(({ name }) => [name]),
    });
  }
  if (least && most && most.count > mostImbalance * least.count) {
    findings.push({
      kind: "imbalance",
      count: present.filter(({ count }) => count * mostImbalance < most.count).length,
      text:
        `The largest training class has ${(most.count / least.count).toFixed(1)} times the images of the smallest ` +
        `(${most.count}: ${most.name}; ${least.count}: ${least.name}).`,
      advice: "Train with --class-weights balanced, and judge by the balanced accuracy that evaluate prints.",
      groups: [],
    });
  }
  return findings;
}

function shapes(images: readonly ImageFacts[]): readonly Finding[] {
  const describe = ({ id, width, height }: ImageFacts): readonly string[] => [`${id} (${width} x ${height})`];
  const tiny = images.filter(({ width, height }) => Math.min(width, height) < leastSide);
  const stretched = images.filter(
    ({ width, height }) => Math.max(width, height) > mostStretch * Math.min(width, height),
  );
  const found: Finding[] = [
    {
      kind: "tiny",
      count: tiny.length,
      text: `${counted(tiny.length, "image")} ${tiny.length === 1 ? "has" : "have"} a side of less than ${leastSide} pixels.`,
      advice: "Replace them by larger ones if there are: what is enlarged gains no detail.",
      groups: tiny.map(describe),
    },
    {
      kind: "stretched",
      count: stretched.length,
      text: `${counted(stretched.length, "image")} ${stretched.length === 1 ? "is" : "are"} more than ${mostStretch} times as long as wide, or as wide as long.`,
      advice:
        'They are squeezed into a square. To cut out the middle instead: --transform and --eval-transform "decode|resize-short(224)|center-crop(224)".',
      groups: stretched.map(describe),
    },
  ];
  return found.filter(({ count }) => count > 0);
}

/** The splits that are there. */
export const presentSplits = ({ splits }: Dataset): readonly Split[] => splitNames.filter((name) => splits[name]);
