import { type Dataset, digestDataset, type Split } from "../data/dataset.js";
import { ConfigError } from "../errors.js";
import { methodOf } from "../methods/index.js";
import { type Cell, type CellStep, type Comparison, cellsOf, pickBest, stepsOf, type Task } from "../suite/cell.js";
import type { MethodChoice, Setting } from "../suite/method-choice.js";
import { isFinished, type ResultLine, type TrialLine } from "../suite/result.js";
import { nameTrial, type Trial } from "../suite/trial.js";
import { accountFor, assembleStep, idleInStep } from "../train/assemble.js";
import { forMethod, parseConfig, type TrainConfig, type TrainConfigInput } from "../train/config.js";
import { fitArchitecture } from "../train/network.js";
import { resolveOptions } from "../train/options.js";
import type { Architecture } from "../vit/architecture.js";
import type { DataContract } from "../vit/contract.js";
import { openDataset } from "./datasets.js";
import type { Shelf } from "./shelf.js";
import { transformsOf } from "./start.js";
import { foreseeing, measureOne } from "./suite-cost.js";
import type { Target } from "./suite-score.js";
import { engineVersion, packageVersion } from "./versions.js";

/** The settings that all trials of a suite share. */
export type SuiteConfig = Omit<TrainConfigInput, "out" | "data" | "method" | "options" | "seed">;

type TrialConfig = Trial["config"];

/** A suite: what it compares, and how. */
export interface SuiteOptions extends Comparison {
  /** Name of the suite, for its records. */
  readonly suite: string;
  /** Folder of its results. */
  readonly out: string;
  readonly config: SuiteConfig;
  /** Train on training and validation images together once the settings are chosen. */
  readonly final?: boolean;
  /** What finished trials are scored on; default: each task's own test images. */
  readonly targets?: readonly Target[];
}

/** A task that has been looked at. */
export interface OpenTask extends Task {
  /** Divided as for the first seed. */
  readonly dataset: Dataset;
  /** Of all images, however they are divided. */
  readonly digest: string;
  readonly images: Readonly<Record<Split, number>>;
}

/** A suite with everything checked, before anything runs. */
export interface SuitePlan {
  readonly options: SuiteOptions;
  readonly tasks: readonly OpenTask[];
  readonly cells: readonly Cell[];
  /** What the network expects of pixels. */
  readonly contract: DataContract;
  readonly steps: readonly PlannedStep[];
  /** About how long takes what is not done; NaN where no pace was measured. */
  readonly seconds: number;
  /** Label of the method whose pace was measured for this; undefined where none was, or nothing is left to do. */
  readonly measured: string | undefined;
  /** About how much memory the largest of these trainings takes. */
  readonly memoryBytes: number;
  /** The trial of a setting. */
  trialOf(cell: Cell, setting: Setting, seed: number, final: boolean): Promise<Trial>;
}

/** A training of the plan. */
export interface PlannedStep extends CellStep {
  readonly cell: Cell;
  /** Name of the trial, where the setting is known. */
  readonly trial: string | undefined;
  /** Whether its result is there already. */
  readonly isDone: boolean;
  /** About how long it takes, NaN where no pace was measured, and how much memory; 0 where it is done. */
  readonly seconds: number;
  readonly memoryBytes: number;
}

/**
 * The plan of a suite.
 * @param results the lines that are there already
 * @param isTimed whether the pace of a method is measured, which takes some seconds
 * @throws ConfigError where methods, options, data or network do not fit
 */
export async function planSuite(
  options: SuiteOptions,
  results: ReadonlyMap<string, ResultLine>,
  shelf: Shelf,
  isTimed: boolean,
): Promise<SuitePlan> {
  const config = configOf(options, options.tasks[0], options.methods[0]);
  const start = await shelf.openStart(config);
  const circumstances = {
    backbone: await start.hash(),
    engine: `sas-petl ${packageVersion()}, ${engineVersion()}`,
  };
  const { imageSize } = transformsOf(config, start.contract.imageSize);
  const architectureFor = (classes: number): Architecture => fitArchitecture(start.architecture, imageSize, classes);
  const tasks: OpenTask[] = [];
  for (const task of options.tasks) tasks.push(await openTask(task, options));
  const fitted = new Map(tasks.map((task) => [task.name, architectureFor(task.dataset.classes.length)]));
  const architectureOf = ({ name }: Task): Architecture => fitted.get(name) as Architecture;
  const first = architectureOf(options.tasks[0] as Task);
  const cells = cellsOf(options, ({ method }) => accountFor(methodOf(method), first, {}).trainable === 0);

  const digests = new Map<string, Promise<string>>();
  const digestOf = async (task: Task, seed: number): Promise<string> => {
    if (task.shots === undefined) return (tasks.find(({ name }) => name === task.name) as OpenTask).digest;
    // Lists of shots are other files for every seed.
    const key = JSON.stringify([task.data, task.shots, seed]);
    const digest =
      digests.get(key) ?? openDataset(task.data, { shots: task.shots, seed, valFraction: 0 }).then(digestDataset);
    digests.set(key, digest);
    return digest;
  };
  const idleKeys = new Map<string, readonly string[]>();
  /** The settings without those that do nothing with their method, by itself or as it is set in this network. */
  const forNetwork = (given: TrialConfig): TrialConfig => {
    const own = forMethod(given);
    const whole = parseConfig({ ...own, out: "-" }, options.suite);
    const { method: name, options: set, dropout, dropPath, layerDecay } = whole;
    const key = JSON.stringify([name, set, dropout, dropPath, layerDecay]);
    const method = methodOf(name);
    const idle =
      idleKeys.get(key) ??
      (dropout > 0 || dropPath > 0 || layerDecay < 1
        ? idleInStep(whole, assembleStep(whole, 1, first, start.contract, method, set, 1, true))
        : []);
    idleKeys.set(key, idle);
    return Object.fromEntries(Object.entries(own).filter(([key]) => !idle.includes(key))) as TrialConfig;
  };
  const trialOf: SuitePlan["trialOf"] = async (cell, { options: given, ...rate }, seed, final) => {
    const { task, method } = cell;
    const resolved = resolveOptions(methodOf(method.method), architectureOf(task), given);
    const { valFraction, ...shared } = options.config;
    const own = forNetwork({
      ...shared,
      // It divides the images for a search; what is final has all of them.
      ...(valFraction !== undefined && !final && { valFraction }),
      data: task.data,
      method: method.method,
      options: resolved as TrainConfig["options"],
      seed,
      final,
      ...rate,
      ...(task.shots !== undefined && { shots: task.shots }),
    });
    const digest = await digestOf(task, seed);
    return {
      name: await nameTrial(own, { ...circumstances, data: digest }),
      task: task.name,
      method: method.label,
      config: own,
      digest,
    };
  };

  // Of networks that differ in their heads alone, the largest speaks for all: each takes graphs to be built.
  const largest = tasks.reduce((a, b) => (b.dataset.classes.length > a.dataset.classes.length ? b : a));
  const foresee = foreseeing(start, largest.dataset);
  const planned = [];
  for (const cell of cells) {
    const found: (TrialLine | undefined)[] = [];
    for (const step of stepsOf(cell, options.final ?? false)) {
      if (step.isRepeated) continue;
      // Where the search is over, its choice is known.
      const chosen = found.every(isFinished) ? cell.candidates[pickBest(found) ?? -1] : undefined;
      const setting = step.setting ?? chosen;
      // Every setting is checked now: a wrong option of the last method must not show after days.
      const trial = await trialOf(cell, setting ?? (cell.candidates[0] as Setting), step.seed, step.final);
      const line = setting && results.get(trial.name);
      const isDone = isFinished(line);
      if (!step.isResult) found.push(isDone ? line : undefined);
      const { label } = cell.method;
      const training = isDone ? undefined : foresee(label, parseConfig({ ...trial.config, out: "-" }, options.suite));
      planned.push({ ...step, cell, trial: setting && trial.name, isDone, training });
    }
  }
  const left = planned.flatMap(({ training }) => training ?? []);
  const clock = isTimed ? await measureOne(start, largest.dataset, left) : undefined;
  const steps = planned.map(({ training, ...step }): PlannedStep => {
    const { images } = tasks.find(({ name }) => name === step.cell.task.name) as OpenTask;
    const divided = step.final ? joinImages(images) : images;
    // After the last epoch and after the best one.
    const scored = step.isResult ? countScored(images, options.targets) * (divided.val > 0 ? 2 : 1) : 0;
    const seconds = training ? (clock?.secondsOf(training, { ...divided, test: scored }) ?? Number.NaN) : 0;
    return { ...step, seconds, memoryBytes: training?.decided.bytes ?? 0 };
  });
  return {
    options,
    tasks,
    cells,
    contract: start.contract,
    steps,
    seconds: steps.reduce((sum, step) => sum + step.seconds, 0),
    measured: clock?.measured,
    memoryBytes: Math.max(0, ...steps.map(({ memoryBytes }) => memoryBytes)),
    trialOf,
  };
}

const countScored = (images: OpenTask["images"], targets: readonly Target[] | undefined): number =>
  targets ? targets.reduce((sum, { examples }) => sum + examples.count, 0) : images.test;

/** The configuration with which the suite as a whole is checked. */
function configOf(
  { config, suite, out }: SuiteOptions,
  task: Task | undefined,
  method: MethodChoice | undefined,
): TrainConfig {
  if (!task) throw new ConfigError(`${suite}: there is no task. Name data with --data or --tasks.`);
  if (!method) throw new ConfigError(`${suite}: there is no method. Name some with --methods.`);
  return parseConfig({ out, ...forMethod({ ...config, data: task.data, method: method.method }) }, suite);
}

/** How many images of each kind there are once those for validation are trained on too. */
export const joinImages = ({ train, val, test }: OpenTask["images"]): OpenTask["images"] => ({
  train: train + val,
  val: 0,
  test,
});

/** A task with the images it will be trained, chosen and scored on. */
async function openTask(task: Task, { config, targets, rates, methods, seeds }: SuiteOptions): Promise<OpenTask> {
  const division = { seed: seeds[0] ?? 0, shots: task.shots };
  // All images decide a trial's name, not how its seed divides them; but which shots there are may be listed per seed.
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
  return {
    ...task,
    dataset,
    digest: await digestDataset(whole),
    images: { train, val, test },
  };
}
