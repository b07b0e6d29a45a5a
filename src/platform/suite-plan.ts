import { type Dataset, digestDataset } from "../data/dataset.js";
import { ConfigError } from "../errors.js";
import { type AnyMethod, methodOf } from "../methods/index.js";
import { type Cell, type CellStep, type Comparison, cellsOf, stepsOf, type Task } from "../suite/cell.js";
import { secondsOf, type Work } from "../suite/estimate.js";
import type { MethodChoice, Setting } from "../suite/method-choice.js";
import { isFinished, type ResultLine, type TrialLine } from "../suite/result.js";
import { nameTrial, type Trial } from "../suite/trial.js";
import { accountFor, assembleStep, idleInStep } from "../train/assemble.js";
import { forMethod, parseConfig, type TrainConfig, type TrainConfigInput } from "../train/config.js";
import { fitNetwork } from "../train/network.js";
import { resolveOptions } from "../train/options.js";
import { defaultMemoryBytes, divide } from "../train/resources.js";
import type { Architecture } from "../vit/architecture.js";
import { openDataset } from "./datasets.js";
import { threadsOf } from "./ort-node.js";
import type { Shelf } from "./shelf.js";
import { transformsOf } from "./start.js";
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
  readonly digest: string;
  readonly images: Work["images"];
}

/** A suite with everything checked, before anything runs. */
export interface SuitePlan {
  readonly options: SuiteOptions;
  readonly tasks: readonly OpenTask[];
  readonly cells: readonly Cell[];
  readonly steps: readonly PlannedStep[];
  /** About how long takes what is not done. */
  readonly seconds: number;
  /** About how much memory the largest training takes. */
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
  /** About how long it takes. */
  readonly seconds: number;
}

/**
 * The plan of a suite.
 * @param results the lines that are there already
 * @throws ConfigError where methods, options, data or network do not fit
 */
export async function planSuite(
  options: SuiteOptions,
  results: ReadonlyMap<string, ResultLine>,
  shelf: Shelf,
): Promise<SuitePlan> {
  const config = configOf(options, options.tasks[0], options.methods[0]);
  const start = await shelf.openStart(config);
  const circumstances = {
    backbone: await start.hash(),
    engine: `sas-petl ${packageVersion()}, ${engineVersion()}`,
  };
  const { imageSize } = transformsOf(config, start.contract.imageSize);
  const architectureFor = (classes: number): Architecture => fitNetwork(start, imageSize, classes).architecture;
  const tasks: OpenTask[] = [];
  for (const task of options.tasks) tasks.push(await openTask(task, options));
  const fitted = new Map(tasks.map((task) => [task.name, architectureFor(task.dataset.classes.length)]));
  const architectureOf = ({ name }: Task): Architecture => fitted.get(name) as Architecture;
  const first = architectureOf(options.tasks[0] as Task);
  // Every setting is checked now: a wrong option of the last method must not show after days.
  for (const { method, settings } of options.methods)
    for (const setting of settings) resolveOptions(methodOf(method), first, setting.options);
  const cells = cellsOf(options, ({ method }) => accountOfFirst(methodOf(method), first).trainable === 0);

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
    };
  };

  const threads = threadsOf(config.threads);
  const workOf = ({ task, method }: Cell, scoresTest: boolean): Work => {
    const architecture = architectureOf(task);
    const account = accountOfFirst(methodOf(method.method), architecture);
    const { images } = tasks.find(({ name }) => name === task.name) as OpenTask;
    return {
      architecture,
      images: options.final && scoresTest ? joinImages(images) : images,
      epochs: config.epochs,
      isHeadAlone: account.trainable === 0,
      trainsBackbone: account.trainable === account.total,
      scoresTest,
    };
  };
  const factor = measuredFactor(results, cells, (cell) => secondsOf(workOf(cell, true), threads));
  const steps: PlannedStep[] = [];
  const allowed = config.memoryMb === undefined ? defaultMemoryBytes : config.memoryMb * 2 ** 20;
  const classes = Math.max(...cells.map(({ task }) => architectureOf(task).classes));
  // Of networks that differ in their heads alone, the one with the largest speaks for all: each takes graphs to be built.
  const memory = new Map<string, number>();
  for (const cell of cells) {
    const { trainsBackbone, ...work } = workOf(cell, true);
    const architecture = { ...work.architecture, classes };
    const key = JSON.stringify([architecture, trainsBackbone]);
    const demand = { architecture, trainsBackbone, batchSize: config.batchSize, threads, memoryBytes: allowed };
    if (!memory.has(key)) memory.set(key, divide(demand).bytes);
    for (const step of stepsOf(cell, options.final ?? false)) {
      if (step.isRepeated) continue;
      const settings = step.setting ? [step.setting] : cell.candidates;
      const trials = await Promise.all(settings.map((setting) => trialOf(cell, setting, step.seed, step.final)));
      const isDone = trials.some(({ name }) => isFinished(results.get(name)));
      const seconds = isDone ? 0 : secondsOf(workOf(cell, step.isResult), threads, factor);
      const [trial] = step.setting ? trials : [];
      steps.push({ ...step, cell, trial: trial?.name, isDone, seconds });
    }
  }
  return {
    options,
    tasks,
    cells,
    steps,
    seconds: steps.reduce((sum, step) => sum + step.seconds, 0),
    memoryBytes: Math.max(0, ...memory.values()),
    trialOf,
  };
}

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

const accountOfFirst = (method: AnyMethod, architecture: Architecture) => accountFor(method, architecture, {});

/** How many images of each kind there are once those for validation are trained on too. */
export const joinImages = ({ train, val, test }: Work["images"]): Work["images"] => ({
  train: train + val,
  val: 0,
  test,
});

/** A task with the images it will be trained, chosen and scored on. */
async function openTask(task: Task, { config, targets, rates, methods, seeds }: SuiteOptions): Promise<OpenTask> {
  const division = { seed: seeds[0] ?? 0, ...(task.shots !== undefined && { shots: task.shots }) };
  // All images decide a trial's name, not how its seed divides them; but which shots there are may be listed per seed.
  const whole = await openDataset(task.data, { ...division, valFraction: 0 });
  const { valFraction } = config;
  const { splits } = await openDataset(task.data, { ...division, ...(valFraction !== undefined && { valFraction }) });
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
    dataset: whole,
    digest: await digestDataset(whole),
    images: { train, val, test },
  };
}

/** Measured seconds per estimated second over the trials that are finished; 1 where there are none. */
function measuredFactor(
  results: ReadonlyMap<string, ResultLine>,
  cells: readonly Cell[],
  estimate: (cell: Cell) => number,
): number {
  const lines = [...results.values()].filter((line): line is TrialLine => isFinished(line) && line.role === "result");
  const ratios = lines.flatMap((line) => {
    const cell = cells.find(({ task, method }) => task.name === line.task && method.label === line.method);
    return cell ? [line.wallSeconds / estimate(cell)] : [];
  });
  return ratios.length === 0 ? 1 : ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
}
