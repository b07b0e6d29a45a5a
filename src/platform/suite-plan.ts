import { join } from "node:path";
import { ConfigError } from "../errors.js";
import { methodOf } from "../methods/index.js";
import { type Cell, type CellStep, cellsOf, pickBest, stepsOf, type Task } from "../suite/cell.js";
import type { MethodChoice, Setting } from "../suite/method-choice.js";
import { isFinished, isOver, type ResultLine } from "../suite/result.js";
import { accountFor } from "../train/assemble.js";
import { forMethod, parseConfig, type TrainConfig } from "../train/config.js";
import { fitArchitecture } from "../train/network.js";
import type { Architecture } from "../vit/architecture.js";
import type { DataContract } from "../vit/contract.js";
import { isThere } from "./files.js";
import { runFiles } from "./run-folder.js";
import type { Shelf } from "./shelf.js";
import { transformsOf } from "./start.js";
import { foreseeing, measureOne } from "./suite-cost.js";
import { trialFolder } from "./suite-folder.js";
import type { SuiteOptions } from "./suite-options.js";
import type { Target } from "./suite-score.js";
import { joinImages, type OpenTask, openTask, ownTarget } from "./suite-tasks.js";
import { namingTrials, type TrialNamer } from "./suite-trials.js";
import { engineVersion, packageVersion } from "./versions.js";

/** A suite with everything checked, before anything runs. */
export interface SuitePlan {
  readonly options: SuiteOptions;
  readonly tasks: readonly OpenTask[];
  readonly cells: readonly Cell[];
  /** Name of the network. */
  readonly architecture: string;
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
  readonly trialOf: TrialNamer;
  /** What the trials of a task are scored on. */
  targetsOf(task: string): readonly Target[];
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
  const { imageSize } = transformsOf(config, start.contract.imageSize);
  const architectureFor = ({ dataset }: OpenTask): Architecture =>
    fitArchitecture(start.architecture, imageSize, dataset.classes.length);
  const tasks: OpenTask[] = [];
  for (const task of options.tasks) tasks.push(await openTask(task, options));
  const first = architectureFor(tasks[0] as OpenTask);
  const cells = cellsOf(options, ({ method }) => accountFor(methodOf(method), first, {}).trainable === 0);
  const fitted = new Map(tasks.map((task) => [task.name, { task, architecture: architectureFor(task) }]));
  const trialOf = namingTrials(options, fitted, start.contract, {
    backbone: await start.hash(),
    engine: `sas-petl ${packageVersion()}, ${engineVersion()}`,
  });
  const taskOf = (name: string): OpenTask => fitted.get(name)?.task as OpenTask;
  const targetsOf = (task: string): readonly Target[] => options.targets ?? ownTarget(taskOf(task), shelf);

  // Of networks that differ in their heads alone, the largest speaks for all: each takes graphs to be built.
  const largest = tasks.reduce((a, b) => (b.dataset.classes.length > a.dataset.classes.length ? b : a));
  const foresee = foreseeing(start, largest.dataset);
  const planned = [];
  for (const cell of cells) {
    const found: (ResultLine | undefined)[] = [];
    let isSearched = true;
    for (const step of stepsOf(cell, options.final ?? false)) {
      if (step.isRepeated) continue;
      // Where the search is over, its choice is known.
      const setting = step.setting ?? (isSearched ? cell.candidates[pickBest(found) ?? -1] : undefined);
      // Where every candidate diverged there is nothing to go on with.
      if (!setting && isSearched) continue;
      // Every setting is checked now: a wrong option of the last method must not show after days.
      const trial = await trialOf(cell, setting ?? (cell.candidates[0] as Setting), step.seed, step.final);
      const line = setting && results.get(trial.name);
      const isDone = isOver(line, step.isResult ? targetsOf(cell.task.name) : []);
      if (!step.isResult) {
        found.push(line);
        isSearched &&= isDone;
      }
      const { label } = cell.method;
      const training = isDone ? undefined : foresee(label, parseConfig({ ...trial.config, out: "-" }, options.suite));
      const isTrained =
        isFinished(line) && (await isThere(join(trialFolder(options.out, trial.name), runFiles.result)));
      planned.push({ ...step, cell, trial: setting && trial.name, isDone, isTrained, training });
    }
  }
  const left = planned.flatMap(({ training }) => training ?? []);
  const clock = isTimed ? await measureOne(start, largest.dataset, left) : undefined;
  const steps = planned.map(({ training, isTrained, ...step }): PlannedStep => {
    const whole = taskOf(step.cell.task.name).images;
    const divided = step.final ? joinImages(whole) : whole;
    const looked = targetsOf(step.cell.task.name).reduce((sum, { examples }) => sum + examples.count, 0);
    // After the last epoch and after the best one, which with patience is the last.
    const isTwice = divided.val > 0 && training?.config.patience === undefined;
    const scored = step.isResult ? looked * (isTwice ? 2 : 1) : 0;
    const images = { ...(isTrained ? untrained : divided), test: scored };
    const seconds = training ? (clock?.secondsOf(training, images) ?? Number.NaN) : 0;
    return { ...step, seconds, memoryBytes: training?.decided.bytes ?? 0 };
  });
  return {
    options,
    tasks,
    cells,
    architecture: start.name,
    contract: start.contract,
    steps,
    seconds: steps.reduce((sum, step) => sum + step.seconds, 0),
    measured: clock?.measured,
    memoryBytes: Math.max(0, ...steps.map(({ memoryBytes }) => memoryBytes)),
    trialOf,
    targetsOf,
  };
}

/** What a trial looks at that only has to be scored. */
const untrained = { train: 0, val: 0 };

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
