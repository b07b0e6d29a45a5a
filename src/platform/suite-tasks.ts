import { basename, join, resolve } from "node:path";
import { type Dataset, digestDataset, type Split } from "../data/dataset.js";
import { isDrawn } from "../data/drawn.js";
import { vtabTasks } from "../data/vtab-tasks.js";
import { ConfigError } from "../errors.js";
import type { Task } from "../suite/cell.js";
import { openDataset } from "./datasets.js";
import { isFolder } from "./files.js";
import type { Shelf } from "./shelf.js";
import type { SuiteOptions } from "./suite-options.js";
import type { Target } from "./suite-score.js";

/**
 * The tasks of some names: of VTAB-1k under either of its names, folders below one of the roots or from here, drawn
 * tasks. Without names, all of VTAB-1k that lie below the roots.
 * @throws ConfigError where a task is not there, or named twice
 */
export async function findTasks(roots: readonly string[], names?: readonly string[]): Promise<readonly Task[]> {
  const places = roots.flatMap((root) => [root, join(root, "vtab-1k")]);
  const find = async (name: string, aliases: readonly string[]): Promise<Task | undefined> => {
    for (const alias of aliases)
      for (const data of places.map((place) => join(place, alias))) if (await isFolder(data)) return { name, data };
    return undefined;
  };
  if (names === undefined) {
    const found = await Promise.all(vtabTasks.map(({ name, alias }) => find(name, alias ? [name, alias] : [name])));
    const present = found.filter((task) => task !== undefined);
    if (present.length > 0) return present;
    throw new ConfigError(
      `${roots.join(", ")}: there is no folder of a task of VTAB-1k (${vtabTasks[0]?.name}, ${vtabTasks[1]?.name}, …). Give the folder they lie in, or other tasks with --tasks.`,
    );
  }
  const tasks = await Promise.all(
    names.map(async (name): Promise<Task> => {
      // The settings behind the task's name stay in the data, and in the trial's name.
      if (isDrawn(name)) return { name: name.split(":").slice(0, 2).join(":"), data: name };
      const known = vtabTasks.find((task) => task.name === name || task.alias === name);
      const task = await find(known?.name ?? basename(name), known?.alias ? [known.name, known.alias] : [name]);
      if (task) return task;
      if (await isFolder(name)) return { name: basename(resolve(name)), data: name };
      const below = roots.length > 0 ? `no such task below ${roots.join(", ")}, nor a` : "no";
      throw new ConfigError(`${name}: there is ${below} folder of that name.`);
    }),
  );
  const twice = tasks.find(({ name }, i) => tasks.findIndex((task) => task.name === name) < i);
  if (twice) throw new ConfigError(`tasks: ${twice.name} is named twice, or two folders have that name. Rename one.`);
  if (tasks.length === 0) throw new ConfigError("tasks: expected at least one.");
  return tasks;
}

/** A task that has been looked at. */
export interface OpenTask extends Task {
  /** Divided as for the first seed. */
  readonly dataset: Dataset;
  /** Of all images, however they are divided; of a task of few shots, of its test images. */
  readonly digest: string;
  readonly images: Readonly<Record<Split, number>>;
}

/** How many images of each kind there are once those for validation are trained on too. */
export const joinImages = ({ train, val, test }: OpenTask["images"]): OpenTask["images"] => ({
  train: train + val,
  val: 0,
  test,
});

/** A task with the images it will be trained, chosen and scored on. */
export async function openTask(
  task: Task,
  { config, targets, rates, methods, seeds }: SuiteOptions,
): Promise<OpenTask> {
  const division = { seed: seeds[0] ?? 0, shots: task.shots };
  // All images decide a trial's name, not how its seed divides them.
  const whole = await openDataset(task.data, { ...division, valFraction: 0 });
  const dataset = await openDataset(task.data, { ...division, valFraction: config.valFraction });
  const { splits } = dataset;
  const [train, val, test] = [splits.train?.count ?? 0, splits.val?.count ?? 0, splits.test?.count ?? 0];
  if (!targets && test === 0) {
    throw new ConfigError(`${task.name}: ${task.data} has no test images, so nothing can be scored. Add a test split.`);
  }
  const hasChoice = rates.length > 1 || methods.some(({ settings }) => settings.length > 1);
  if (hasChoice && val === 0) {
    throw new ConfigError(
      `${task.name}: ${task.data} has no validation images to choose a setting with. Add a val split, or --val-fraction 0.2.`,
    );
  }
  const digest = await digestDataset(task.shots === undefined ? whole : testOnly(whole));
  return { ...task, dataset, digest, images: { train, val, test } };
}

/** Every seed has other shots, but all have the same test images. */
const testOnly = ({ splits: { test }, ...dataset }: Dataset): Dataset => ({
  ...dataset,
  splits: { train: null, val: null, test },
});

/** The test images of a task, as what its trials are scored on; nothing where it has none. */
export function ownTarget({ data, digest, dataset }: OpenTask, shelf: Shelf): readonly Target[] {
  const { test } = dataset.splits;
  return test ? [{ name: "test", examples: test, digest, decode: shelf.decoderOf(data) }] : [];
}
