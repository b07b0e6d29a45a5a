import { ConfigError } from "../errors.js";
import { type Dataset, type Examples, type Split, splitNames } from "./dataset.js";
import { addNoise, createCanvas, toImage } from "./drawn-canvas.js";
import { encodePng, pngLength } from "./drawn-png.js";
import { type DrawnTask, drawnTasks } from "./drawn-tasks.js";
import type { RgbImage } from "./image.js";
import { stream } from "./random.js";

/** How many pictures a drawn data set has, and how they are made. */
export interface DrawnOptions {
  /** Pictures in each split; 0 for a split that is missing. */
  readonly train: number;
  readonly val: number;
  readonly test: number;
  /** Pixels along each side. */
  readonly size: number;
  readonly seed: number;
}

/** The sizes of VTAB-1k, at 64 pixels. */
const defaults: DrawnOptions = { train: 800, val: 200, test: 500, size: 64, seed: 0 };

const ranges: Readonly<Record<keyof DrawnOptions, readonly [least: number, most: number]>> = {
  train: [1, 1_000_000],
  val: [0, 1_000_000],
  test: [0, 1_000_000],
  size: [8, 1024],
  seed: [0, 0xffff_ffff],
};

const prefix = "drawn:";

/** Noise of the finished picture, of 255. */
const noiseStrength = 14;

/** Bytes of pictures that a split keeps: a training reads each twice, to check and to decode it. */
const keptBytes = 64 * 2 ** 20;

/** True for the name of a drawn data set, `drawn:…`, which is no folder. */
export const isDrawn = (name: string): boolean => name.startsWith(prefix);

/**
 * The data set of a name: `drawn:`, a task or several joined by `+`, then settings, all divided by colons, as in
 * `drawn:count` or `drawn:count+orientation:train=2000:size=48`. The settings and their defaults are `train=800`,
 * `val=200`, `test=500` (pictures), `size=64` (pixels) and `seed=0`.
 *
 * The tasks are of the kind of VTAB's structured group, each on a ground of dull colours with strokes, specks and noise:
 * `count` (1 to 6 shapes), `x-position` (8 columns), `orientation` (8 directions), `distance` (6 steps). Several tasks
 * make one with the classes of all; their pictures take turns, and so do the classes of each, so all are equally many.
 *
 * Nothing is stored on disk: a picture is drawn when it is read, from the stream of its own seed, task, split and place, with
 * integer operations and the arithmetic that IEEE 754 rounds exactly; so it has the same bytes on every machine.
 * @throws ConfigError where the task or a setting is not known
 */
export function openDrawn(name: string): Dataset {
  const { tasks, options } = parseName(name);
  const isMixed = tasks.length > 1;
  const classes = tasks.flatMap(([task, { classes }]) =>
    isMixed ? classes.map((label) => `${task} ${label}`) : classes,
  );
  const splits: Record<Split, Examples | null> = { train: null, val: null, test: null };
  for (const split of splitNames) if (options[split] > 0) splits[split] = drawnExamples(tasks, options, split);
  return { layout: "drawn", classes, splits };
}

/**
 * One picture.
 * @param task a name of `drawnTasks`
 * @param label class of the task, from 0
 * @param index place in the split
 */
export function drawPicture(
  [name, task]: readonly [name: string, task: DrawnTask],
  { size, seed }: Pick<DrawnOptions, "size" | "seed">,
  split: Split,
  label: number,
  index: number,
): RgbImage {
  const canvas = createCanvas(size);
  task.draw(canvas, stream(seed, "drawn", name, split, index), label);
  addNoise(canvas, stream(seed, "drawn", name, split, index, "noise"), noiseStrength);
  return toImage(canvas);
}

type NamedTask = readonly [name: string, task: DrawnTask];

function drawnExamples(tasks: readonly NamedTask[], options: DrawnOptions, split: Split): Examples {
  const count = options[split];
  /** Task, class within the task, and class of the data set of a picture. */
  const kindOf = (index: number): readonly [task: NamedTask, label: number, classIndex: number] => {
    const turn = index % tasks.length;
    const task = tasks[turn] as NamedTask;
    const label = Math.floor(index / tasks.length) % task[1].classes.length;
    return [task, label, tasks.slice(0, turn).reduce((sum, [, { classes }]) => sum + classes.length, label)];
  };
  const length = pngLength(options.size, options.size);
  const kept = new Map<number, Uint8Array>();
  return {
    count,
    labels: Int32Array.from({ length: count }, (_, index) => kindOf(index)[2]),
    id: (index) => `${prefix}${kindOf(index)[0][0]}/seed-${options.seed}/${split}/${index}.png`,
    async read(index) {
      const [task, label] = kindOf(index);
      const png = kept.get(index) ?? encodePng(drawPicture(task, options, split, label, index));
      if ((kept.size + 1) * length <= keptBytes) kept.set(index, png);
      return png;
    },
    size: async () => length,
  };
}

function parseName(name: string): { readonly tasks: readonly NamedTask[]; readonly options: DrawnOptions } {
  const known = Object.keys(drawnTasks).join(", ");
  const refuse = (what: string): never => {
    const settings = Object.entries(defaults).map(([key, value]) => `${key}=${value}`);
    throw new ConfigError(
      `${name}: ${what}. Known tasks: ${known}; settings and their defaults: ${settings.join(", ")}. ` +
        "Write them as in drawn:count or drawn:count+orientation:train=2000:size=48.",
    );
  };
  const [words = "", ...settings] = name.slice(prefix.length).split(":");
  const names = words.split("+");
  const tasks = names.map((word): NamedTask => {
    const task = Object.hasOwn(drawnTasks, word) ? drawnTasks[word] : undefined;
    return task ? [word, task] : refuse(word === "" ? "a task is missing" : `${word} is no drawn task`);
  });
  if (new Set(names).size < names.length) refuse("a task is named twice");
  const given = new Map<string, number>();
  for (const setting of settings) {
    const [, key = "", text = ""] = /^([^=]*)=(.*)$/.exec(setting) ?? [];
    if (!Object.hasOwn(ranges, key)) refuse(`${setting || "nothing"} is no setting`);
    if (given.has(key)) refuse(`${key} is set twice`);
    const [least, most] = ranges[key as keyof DrawnOptions];
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) {
      refuse(`${key}: expected a whole number from ${least} to ${most}, got ${text || "nothing"}`);
    }
    given.set(key, value);
  }
  return { tasks, options: { ...defaults, ...Object.fromEntries(given) } };
}
