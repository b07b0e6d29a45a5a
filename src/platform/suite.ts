import { type Cell, type CellStep, pickBest, stepsOf } from "../suite/cell.js";
import type { Setting } from "../suite/method-choice.js";
import { type FailedLine, hasDiverged, isFinished, isOver, type ResultLine, type TrialLine } from "../suite/result.js";
import { decidingKeys, type Trial } from "../suite/trial.js";
import { parseConfig } from "../train/config.js";
import type { DoneEvent, TrainEvent } from "../train/events.js";
import { DivergedError } from "../train/loop.js";
import { locateBackbone } from "./hub.js";
import { readRunRecord } from "./run-folder.js";
import { keepingShelf, type Shelf } from "./shelf.js";
import { openSuiteFolder, readResults, type SuiteFolder } from "./suite-folder.js";
import type { SuiteConfig, SuiteOptions } from "./suite-options.js";
import { planSuite, type SuitePlan } from "./suite-plan.js";
import { scoreRun, type Target } from "./suite-score.js";
import { joinImages } from "./suite-tasks.js";
import { train } from "./train.js";

/** What a suite reports. */
export type SuiteEvent =
  | { readonly event: "plan"; readonly plan: SuitePlan }
  /** A trial begins. `place` counts from 1. */
  | {
      readonly event: "begin";
      readonly place: number;
      readonly trials: number;
      readonly trial: Trial;
      readonly isResult: boolean;
    }
  | { readonly event: "training"; readonly inner: TrainEvent }
  | { readonly event: "result"; readonly line: TrialLine; readonly wasThere: boolean }
  /** Of a search, `isResult` false, a setting that diverges is none to choose and nothing more. */
  | {
      readonly event: "failure";
      readonly line: FailedLine;
      readonly isResult: boolean;
      readonly wasThere: boolean;
    };

/** How a caller takes part in a suite. */
export interface SuiteHooks {
  readonly signal?: AbortSignal;
  /** Is told what happens, in order. */
  readonly onEvent?: (event: SuiteEvent) => void;
  /** Measures the pace of a method first, so that the plan tells times; default false. */
  readonly isTimed?: boolean;
  /** Takes a backbone of the hub from the cache alone; default false. */
  readonly offline?: boolean;
  /** Is told of what goes on in spite of it. */
  readonly onWarning?: (text: string) => void;
}

/** What a suite ends with. */
export interface SuiteOutcome {
  readonly plan: SuitePlan;
  /** The results that belong to it, cell by cell. */
  readonly lines: readonly TrialLine[];
  /** Everything that was tried to choose settings; one that diverged is a failed line. */
  readonly searched: readonly ResultLine[];
  /** What leaves a hole in the results, and why. */
  readonly failures: readonly FailedLine[];
}

/** The plan of a suite, for a look at it: nothing is written and nothing runs. */
export const dryRunSuite = async (options: SuiteOptions, hooks: SuiteHooks = {}): Promise<SuitePlan> =>
  planSuite(await located(options, hooks), await readResults(options.out), keepingShelf(), true);

/**
 * Runs the trials of a suite one after the other and returns their results. What is finished is not run again, what was
 * interrupted goes on where it was, and a trial that fails is recorded and left behind.
 * @throws ConfigError where the suite makes no sense; then nothing has run
 */
export async function runSuite(given: SuiteOptions, hooks: SuiteHooks = {}): Promise<SuiteOutcome> {
  const options = await located(given, hooks);
  const shelf = keepingShelf();
  const { onEvent = () => {}, isTimed = false } = hooks;
  const plan = await planSuite(options, await readResults(options.out), shelf, isTimed);
  onEvent({ event: "plan", plan });
  const folder = await openSuiteFolder(options.out);
  try {
    const runner = createRunner(plan, folder, shelf, { ...hooks, onEvent, onWarning: onceEach(hooks.onWarning) });
    const found = { lines: [] as TrialLine[], searched: [] as ResultLine[], failures: [] as FailedLine[] };
    for (const cell of plan.cells) {
      const done: ResultLine[] = [];
      let chosen: Setting | undefined;
      for (const step of stepsOf(cell, options.final ?? false)) {
        // The searches of a cell come first.
        if (!step.setting) chosen ??= cell.candidates[pickBest(done) ?? -1];
        const setting = step.setting ?? chosen;
        if (!setting) break;
        const line = await runner.run(cell, step, setting);
        if (!step.isResult) done.push(line);
        if (!step.isResult && (isFinished(line) || hasDiverged(line))) found.searched.push(line);
        else if (isFinished(line)) found.lines.push(line);
        else found.failures.push(line);
      }
      if (chosen) await runner.passOver(cell, chosen);
      // A setting that diverges is one not to choose; where all do, there is no result.
      else found.failures.push(...done.filter(hasDiverged));
    }
    return { plan, ...found };
  } finally {
    await folder.release();
  }
}

/** What all trainings on a data set warn of is said once. */
function onceEach(tell: (text: string) => void = () => {}): (text: string) => void {
  const told = new Set<string>();
  return (text) => {
    if (!told.has(text)) tell(text);
    told.add(text);
  };
}

const located = async (options: SuiteOptions, hooks: SuiteHooks): Promise<SuiteOptions> => ({
  ...options,
  config: await locateConfig(options.config, hooks),
});

/** The settings with the folder of their backbone, whatever name it was given by. */
export async function locateConfig(
  given: SuiteConfig,
  { signal, offline, onWarning }: SuiteHooks = {},
): Promise<SuiteConfig> {
  const { backbone, revision, ...config } = given;
  if (config.init === "random") return given;
  const { folder } = await locateBackbone(backbone, {
    revision,
    offline,
    ...(signal && { signal }),
    ...(onWarning && { onWarning }),
  });
  return { ...config, backbone: folder };
}

function createRunner(
  plan: SuitePlan,
  folder: SuiteFolder,
  shelf: Shelf,
  { signal, onEvent, onWarning }: SuiteHooks & Required<Pick<SuiteHooks, "onEvent" | "onWarning">>,
) {
  const { options, steps } = plan;
  let place = 0;

  async function run(cell: Cell, step: CellStep, setting: Setting): Promise<ResultLine> {
    signal?.throwIfAborted();
    const { isResult, isRepeated } = step;
    const trial = await plan.trialOf(cell, setting, step.seed, step.final);
    const targets = isResult ? plan.targetsOf(cell.task.name) : [];
    const known = folder.results.get(trial.name);
    if (!isRepeated) place++;
    if (hasDiverged(known)) {
      onEvent({ event: "failure", line: known, isResult, wasThere: true });
      return known;
    }
    if (isFinished(known) && isOver(known, targets)) {
      if (isResult && known.role === "search") await folder.record({ ...known, role: "result" });
      // Another label may mean the same trial.
      const line: TrialLine = { ...known, task: trial.task, method: trial.method };
      onEvent({ event: "result", line, wasThere: true });
      return line;
    }
    onEvent({ event: "begin", place, trials: steps.length, trial, isResult });
    const base = {
      trial: trial.name,
      suite: options.suite,
      task: trial.task,
      method: trial.method,
      seed: step.seed,
    };
    try {
      const line = await measure(trial, { ...base, role: isResult ? "result" : "search" }, targets, known);
      await folder.record(line);
      await folder.tidy(trial.name);
      onEvent({ event: "result", line, wasThere: false });
      return line;
    } catch (error) {
      signal?.throwIfAborted();
      const finding = error instanceof DivergedError && divergedFacts(trial, plan);
      const line: FailedLine = {
        ...base,
        config: decidingKeys(trial.config),
        error: messageOf(error),
        ...finding,
      };
      // A training that goes on no more needs nothing to go on with.
      if (finding) await folder.tidy(trial.name);
      // What an earlier call measured stays, though it could not be scored on more.
      if (!isFinished(known)) await folder.record(line);
      onEvent({ event: "failure", line, isResult, wasThere: false });
      return line;
    }
  }

  /** What was a result before other settings were tried beside it is none any more. */
  async function passOver(cell: Cell, chosen: Setting): Promise<void> {
    const trialOf = (setting: Setting, seed: number) => plan.trialOf(cell, setting, seed, options.final ?? false);
    for (const seed of cell.seeds) {
      const { name: kept } = await trialOf(chosen, seed);
      for (const setting of cell.candidates) {
        const { name, task, method } = await trialOf(setting, seed);
        const line = folder.results.get(name);
        if (name === kept || !isFinished(line) || line.role === "search") continue;
        if (line.task === task && line.method === method) await folder.record({ ...line, role: "search" });
      }
    }
  }

  /** Trains where that is not done yet, and scores. */
  async function measure(
    trial: Trial,
    base: Pick<TrialLine, "trial" | "suite" | "task" | "method" | "seed" | "role">,
    targets: readonly Target[],
    known: ResultLine | undefined,
  ): Promise<TrialLine> {
    const began = performance.now();
    const run = folder.runOf(trial.name);
    // A run goes on with the threads it began with: they decide the order of its sums.
    const threads = (await readRunRecord(run))?.config.threads ?? trial.config.threads;
    let images: TrialLine["images"] | undefined;
    const done = await train(
      { ...trial.config, out: run, ...(threads !== undefined && { threads }) },
      {
        resume: true,
        scoresTest: false,
        report: "none",
        shelf,
        source: options.suite,
        ...(signal && { signal }),
        onWarning,
        onEvent(inner) {
          if (inner.event === "start") images = inner.images;
          onEvent({ event: "training", inner });
        },
      },
    );
    // With patience the best epoch is what the run is.
    const isLast = done.best?.epoch === done.epochs || trial.config.patience !== undefined;
    const bestEpoch = !done.best ? "none" : isLast ? "last" : "earlier";
    const scores = await scoreRun({ run, threads }, bestEpoch, targets, signal);
    // A training that an earlier process ended is not done again, but it took its time.
    const own = Math.max((performance.now() - began) / 1000, isFinished(known) ? 0 : done.seconds);
    const wallSeconds = own + (isFinished(known) ? known.wallSeconds : 0);
    const divided = plan.tasks.find(({ name }) => name === trial.task)?.images ?? { train: 0, val: 0, test: 0 };
    const counted = trial.config.final ? joinImages(divided) : divided;
    return {
      ...base,
      ...factsOf(trial, done),
      scores: { ...(isFinished(known) ? known.scores : {}), ...scores },
      targets: {
        ...(isFinished(known) ? known.targets : {}),
        ...Object.fromEntries(targets.map(({ name, digest }) => [name, digest])),
      },
      images: { ...counted, ...images, test: counted.test },
      wallSeconds,
    };
  }

  return { run, passOver };
}

/** What a line says of a finished training. */
const factsOf = (
  trial: Trial,
  done: DoneEvent,
): Omit<
  TrialLine,
  "trial" | "suite" | "task" | "method" | "seed" | "role" | "scores" | "targets" | "images" | "wallSeconds"
> => ({
  config: decidingKeys(trial.config),
  options: done.options,
  lr: done.lr,
  headLr: done.headLr,
  trainable: done.trainable,
  head: done.head,
  total: done.total,
  architecture: done.architecture,
  val: done.val,
  bestEpoch: done.best && { epoch: done.best.epoch, val: done.best.val },
  versions: { "sas-petl": done.version, engine: done.engine, node: process.version },
  digests: { ...(trial.digest !== done.data && { task: trial.digest }), data: done.data, backbone: done.backbone },
  device: done.device,
  threads: done.threads,
  seconds: done.seconds,
});

/** What a line says beside the error of a training that diverged. */
function divergedFacts(trial: Trial, { architecture, options: { suite } }: SuitePlan): Partial<FailedLine> {
  const { lr, headLr, options } = parseConfig({ ...trial.config, out: "-" }, suite);
  return { hasDiverged: true, ...(lr !== undefined && { lr }), headLr, options, architecture };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
