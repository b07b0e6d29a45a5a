import { type Dataset, digestDataset, type Split } from "../data/dataset.js";
import { ConfigError } from "../errors.js";
import { methodOf } from "../methods/index.js";
import type { Cell, Task } from "../suite/cell.js";
import type { Setting } from "../suite/method-choice.js";
import { type Circumstances, nameTrial, type Trial } from "../suite/trial.js";
import { assembleStep, idleInStep } from "../train/assemble.js";
import { forMethod, parseConfig, type TrainConfig } from "../train/config.js";
import { resolveOptions } from "../train/options.js";
import type { Architecture } from "../vit/architecture.js";
import type { DataContract } from "../vit/contract.js";
import { openDataset } from "./datasets.js";
import type { Shelf } from "./shelf.js";
import type { SuiteOptions } from "./suite-options.js";
import type { Target } from "./suite-score.js";

type TrialConfig = Trial["config"];

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

/** The trial of a cell with one of its settings. */
export type TrialNamer = (cell: Cell, setting: Setting, seed: number, final: boolean) => Promise<Trial>;

/**
 * A function that names trials.
 * @param fitted the tasks by their names, each with the network as it is there
 */
export function namingTrials(
  { config, suite }: SuiteOptions,
  fitted: ReadonlyMap<string, { readonly task: OpenTask; readonly architecture: Architecture }>,
  contract: DataContract,
  circumstances: Omit<Circumstances, "data">,
): TrialNamer {
  const digestOf = digestingTasks();
  const { valFraction, ...shared } = config;
  const idle = new Map<string, readonly string[]>();
  /** The settings without those that do nothing with their method, by itself or as it is set in this network. */
  const forNetwork = (given: TrialConfig, architecture: Architecture): TrialConfig => {
    const own = forMethod(given);
    const whole = parseConfig({ ...own, out: "-" }, suite);
    const { method: name, options, dropout, dropPath, layerDecay } = whole;
    const key = JSON.stringify([name, options, dropout, dropPath, layerDecay]);
    const isPlain = dropout === 0 && dropPath === 0 && layerDecay === 1;
    const assemble = () => assembleStep(whole, 1, architecture, contract, methodOf(name), options, 1, true);
    const without = idle.get(key) ?? (isPlain ? [] : idleInStep(whole, assemble()));
    idle.set(key, without);
    return Object.fromEntries(Object.entries(own).filter(([key]) => !without.includes(key))) as TrialConfig;
  };
  return async ({ task, method }, { options, ...rate }, seed, final) => {
    const { task: opened, architecture } = fitted.get(task.name) as { task: OpenTask; architecture: Architecture };
    const own = forNetwork(
      {
        ...shared,
        // It divides the images for a search; what is final has all of them.
        ...(valFraction !== undefined && !final && { valFraction }),
        data: task.data,
        method: method.method,
        options: resolveOptions(methodOf(method.method), architecture, options) as TrainConfig["options"],
        seed,
        final,
        ...rate,
        ...(task.shots !== undefined && { shots: task.shots }),
      },
      architecture,
    );
    const digest = await digestOf(opened, seed);
    return {
      name: await nameTrial(own, { ...circumstances, data: digest }),
      task: task.name,
      method: method.label,
      config: own,
      digest,
    };
  };
}

/** A function that gives the digest of a task's images before any are set aside for validation. */
function digestingTasks(): (task: OpenTask, seed: number) => Promise<string> {
  const known = new Map<string, Promise<string>>();
  return async ({ data, shots, digest }, seed) => {
    if (shots === undefined) return digest;
    // Which shots there are is drawn by the seed, or listed for it.
    const key = JSON.stringify([data, shots, seed]);
    const found = known.get(key) ?? openDataset(data, { shots, seed, valFraction: 0 }).then(digestDataset);
    known.set(key, found);
    return found;
  };
}
