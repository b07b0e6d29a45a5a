import type { Loader } from "../data/loader.js";
import { stream } from "../data/random.js";
import { evaluateLogits, type Metrics } from "../evaluate/metrics.js";
import type { Tensor } from "../graph/tensor.js";
import type { Executor } from "../run/executor.js";
import { type Trained, trainBatch, type Updater } from "./batch.js";
import type { Progress, Tensors } from "./checkpoint.js";
import type { BestEpoch, CheckpointEvent, LoopEvent } from "./events.js";
import { type Examples, featureExamples, imageExamples } from "./examples.js";
import { type Lane, openLanes, openSession, readAll, releaseAll, uploadAll } from "./lanes.js";
import { learningRate, type Schedule } from "./schedule.js";
import { predictLogits, type Scored } from "./score.js";
import type { TrainingStep } from "./step.js";
import type { RunStore } from "./store.js";

/** What the loop decides by. */
export interface LoopConfig {
  readonly epochs: number;
  readonly batchSize: number;
  readonly lr: number;
  readonly minLr: number;
  readonly warmupEpochs?: number | undefined;
  readonly warmupSteps?: number | undefined;
  readonly labelSmoothing: number;
  readonly seed: number;
  readonly checkpointSeconds: number;
}

/** What the loop works with; everything that knows a machine is passed in. */
export interface LoopParts {
  readonly step: TrainingStep;
  /** One for each lane. */
  readonly executors: readonly Executor[];
  /** The backbone's tensors by name. */
  readonly weights: (name: string) => Tensor;
  readonly classes: number;
  /** Loaders with the config's seed and batch size. */
  readonly splits: { readonly train: Loader; readonly val: Loader | null; readonly test: Loader | null };
  /** True where training images change from epoch to epoch. */
  readonly isRandom: boolean;
  readonly store: RunStore;
  /** Aborting it saves a checkpoint after the running update and throws its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: (() => number) | undefined;
}

/** What a training ends with. */
export interface TrainingResult {
  readonly parameters: Tensors;
  readonly val: Metrics | null;
  readonly test: Metrics | null;
  /** What `val` and `test` are the metrics of. */
  readonly scored: { readonly val: Scored | null; readonly test: Scored | null };
  readonly best: (BestEpoch & { readonly parameters: Tensors }) | null;
  /** Training images per second over the whole run. */
  readonly imagesPerSecond: number;
  /** Seconds spent on training images over the whole run. */
  readonly seconds: number;
}

/** The one thing that changes over time. */
interface State extends Trained {
  readonly progress: Progress;
  /** Parameters after the best epoch. */
  readonly best: Tensors | null;
}

/** The loaded graphs and the examples they are fed with. */
interface Loaded extends Updater {
  readonly train: Examples;
  readonly val: Examples | null;
  readonly test: Examples | null;
}

/**
 * Trains, and reports as it goes. Continues from the store's checkpoint where there is one; the result is the same to
 * the last bit wherever it was interrupted. The test images are scored once, after everything is decided.
 * @throws Error where the loss is no longer a number
 */
export async function* trainLoop(config: LoopConfig, parts: LoopParts): AsyncGenerator<LoopEvent, TrainingResult> {
  const stored = await parts.store.load();
  const loaded = await loadParts(config, parts);
  try {
    return yield* run(config, parts, loaded, {
      progress: stored?.progress ?? beginning,
      parameters: stored?.parameters ?? firstParameters(parts, config.seed),
      state: stored?.state ?? parts.step.initialState(),
      best: stored?.best ?? null,
    });
  } finally {
    await loaded.update.close();
    for (const lane of loaded.lanes) await lane.close();
  }
}

async function* run(
  config: LoopConfig,
  { splits, classes, store, signal, now = () => performance.now() }: LoopParts,
  loaded: Loaded,
  initial: State,
): AsyncGenerator<LoopEvent, TrainingResult> {
  const { train, val, test, step, lanes } = loaded;
  const { executor } = lanes[0] as Lane;
  const { count, batchCount: stepsPerEpoch } = splits.train;
  const schedule = scheduleOf(config, stepsPerEpoch);
  const spent = { seconds: 0, images: 0 };
  const rate = () => (spent.seconds > 0 ? spent.images / spent.seconds : 0);
  let current = initial;
  let savedAt = now();
  let saveMs = 0;
  let lastVal: Scored | null = null;

  const save = async (): Promise<CheckpointEvent> => {
    const began = now();
    const { progress, parameters } = current;
    const isBest = progress.best?.epoch === progress.epoch && progress.step === 0;
    await store.save({
      progress,
      parameters,
      state: await readAll(executor, current.state),
      best: isBest ? parameters : current.best,
    });
    savedAt = now();
    saveMs = savedAt - began;
    return { event: "checkpoint", epoch: progress.epoch, step: progress.step };
  };
  const predict = async (examples: Examples | null, parameters: Tensors): Promise<Scored | null> => {
    if (examples === null) return null;
    const { takes, microBatch } = step;
    const own = await Promise.all(lanes.map((lane) => uploadAll(lane.executor, parameters)));
    const sessions = await Promise.all(lanes.map((lane) => lane.predict()));
    const answer = async (lane: number, rows: Tensor): Promise<Tensor> =>
      (await sessions[lane]?.run({ ...own[lane], [takes]: rows }))?.logits as Tensor;
    const scored = await predictLogits({ lanes: lanes.length, microBatch, answer }, examples, signal);
    await Promise.all(lanes.map((lane, i) => releaseAll(lane.executor, own[i] ?? {})));
    return scored;
  };
  const measure = (scored: Scored | null): Metrics | null =>
    scored && evaluateLogits(scored.logits, scored.labels, classes);
  /** Updates up to the end of the epoch. */
  async function* trainEpoch(): AsyncGenerator<LoopEvent> {
    const { epoch, step: done } = current.progress;
    let began = now();
    for await (const batch of train.epoch(epoch, done)) {
      const lr = learningRate(epoch * stepsPerEpoch + batch.step, schedule);
      const { trained, loss, correct, gradientNorm } = await trainBatch(loaded, current, batch, lr);
      if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) throw diverged(epoch, batch.step, loss, config.lr);
      const images = batch.labels.length;
      const { running: sofar, spent: before, ...rest } = current.progress;
      const running = {
        loss: sofar.loss + loss * images,
        correct: sofar.correct + correct,
        images: sofar.images + images,
      };
      const top1 = running.correct / running.images;
      const line = { event: "step", epoch: epoch + 1, step: batch.step + 1, loss, top1, lr, gradientNorm } as const;
      const metricsBytes = await store.append(JSON.stringify(line));
      const seconds = (now() - began) / 1000;
      spent.seconds += seconds;
      spent.images += images;
      current = {
        ...current,
        ...trained,
        progress: {
          ...rest,
          step: batch.step + 1,
          running,
          spent: { seconds: before.seconds + seconds, images: before.images + images },
          metricsBytes,
        },
      };
      yield { ...line, imagesPerSecond: rate() };
      signal?.throwIfAborted();
      // A save that takes long is made less often, so that it costs no more than a twentieth of the time.
      const interval = Math.max(config.checkpointSeconds * 1000, 20 * saveMs);
      if (batch.step + 1 < stepsPerEpoch && now() - savedAt >= interval) yield await save();
      began = now();
    }
  }
  /** Scores a finished epoch and counts it. */
  async function* endEpoch(): AsyncGenerator<LoopEvent> {
    const { progress, parameters } = current;
    const epoch = progress.epoch + 1;
    const { loss, correct, images } = progress.running;
    lastVal = await predict(val, parameters);
    const metrics = measure(lastVal);
    const isBest = metrics !== null && (progress.best === null || metrics.top1 > progress.best.val.top1);
    const found = { train: { loss: loss / images, top1: correct / images }, val: metrics, isBest };
    const line = { event: "epoch", epoch, ...found } as const;
    const best = isBest ? parameters : current.best;
    current = {
      ...current,
      best,
      progress: {
        ...progress,
        epoch,
        step: 0,
        running: beginning.running,
        val: metrics,
        best: isBest ? { epoch, val: metrics } : progress.best,
        metricsBytes: await store.append(JSON.stringify(line)),
      },
    };
    yield { ...line, imagesPerSecond: rate() };
    yield await save();
    signal?.throwIfAborted();
  }

  yield {
    event: "start",
    epochs: config.epochs,
    stepsPerEpoch,
    batchSize: Math.min(config.batchSize, count),
    microBatch: step.microBatch,
    images: { train: count, val: val?.count ?? 0, test: test?.count ?? 0 },
    resumed: initial.progress === beginning ? null : { epoch: initial.progress.epoch, step: initial.progress.step },
  };
  try {
    while (current.progress.epoch < config.epochs) {
      yield* trainEpoch();
      yield* endEpoch();
    }
  } catch (error) {
    if (signal?.aborted) yield await save();
    throw error;
  }
  const { progress, parameters: last } = current;
  // Where the run goes on behind its last epoch, what the validation images scored has to be found again.
  const scored = { val: lastVal ?? (await predict(val, last)), test: await predict(test, last) };
  const lastTest = measure(scored.test);
  const chosen = progress.best;
  const isLast = chosen?.epoch === progress.epoch;
  const parameters = isLast ? last : current.best;
  const best =
    chosen && parameters
      ? { ...chosen, test: isLast ? lastTest : measure(await predict(test, parameters)), parameters }
      : null;
  const { seconds, images } = progress.spent;
  const imagesPerSecond = seconds > 0 ? images / seconds : 0;
  return { parameters: last, val: progress.val, test: lastTest, scored, best, imagesPerSecond, seconds };
}

const beginning: Progress = {
  epoch: 0,
  step: 0,
  running: { loss: 0, correct: 0, images: 0 },
  val: null,
  best: null,
  metricsBytes: 0,
  spent: { seconds: 0, images: 0 },
};

async function loadParts(
  { labelSmoothing, batchSize, seed }: LoopConfig,
  { step, executors, weights, classes, splits, isRandom, signal }: LoopParts,
): Promise<Loaded> {
  const lanes = await openLanes(executors, step, weights);
  const update = await openSession(executors[0] as Executor, step.update);
  const answer = async (lane: number, images: Tensor): Promise<Tensor> =>
    (await lanes[lane]?.features?.run({ images }))?.features as Tensor;
  const team = { lanes: lanes.length, microBatch: step.microBatch, answer };
  const examplesOf = (loader: Loader): Examples => {
    const images = imageExamples(loader);
    return step.features ? featureExamples(images, { team, batchSize, seed, isRandom, signal }) : images;
  };
  return {
    step,
    lanes,
    classes,
    labelSmoothing,
    update,
    train: examplesOf(splits.train),
    val: splits.val && examplesOf(splits.val),
    test: splits.test && examplesOf(splits.test),
  };
}

/** Each tensor from a stream of its own, so that none depends on what else is trained. */
const firstParameters = ({ step, weights }: LoopParts, seed: number): Tensors =>
  step.initial((name) => stream(seed, "parameter", name).normal, weights);

function scheduleOf({ lr, minLr, epochs, warmupEpochs, warmupSteps }: LoopConfig, stepsPerEpoch: number): Schedule {
  const totalSteps = epochs * stepsPerEpoch;
  const asked = warmupSteps ?? Math.round((warmupEpochs ?? epochs / 10) * stepsPerEpoch);
  return { lr, minLr: Math.min(minLr, lr), warmupSteps: Math.min(asked, totalSteps), totalSteps };
}

const diverged = (epoch: number, step: number, loss: number, lr: number): Error =>
  new Error(
    `epoch ${epoch + 1}, step ${step + 1}: the training has left the numbers, the loss is ${loss}. Try a lower lr than ${lr}, or clip the gradient.`,
  );
