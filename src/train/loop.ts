import { stream } from "../data/random.js";
import { evaluateLogits, type Metrics } from "../evaluate/metrics.js";
import type { Tensor } from "../graph/tensor.js";
import { averageDecay, follow } from "./average.js";
import { type Trained, trainBatch } from "./batch.js";
import { chanceOf } from "./chance.js";
import type { Progress, Tensors } from "./checkpoint.js";
import type { BestEpoch, CheckpointEvent, LoopEvent } from "./events.js";
import type { Examples } from "./examples.js";
import { type Lane, readAll, releaseAll, uploadAll } from "./lanes.js";
import { type Loaded, type LoopConfig, type LoopParts, loadParts } from "./loop-parts.js";
import { learningRate, type Schedule } from "./schedule.js";
import { predictLogits, type Scored } from "./score.js";

/** What a training ends with. */
export interface TrainingResult {
  /** Epochs done; fewer than asked for where patience ran out. */
  readonly epochs: number;
  /** Of the last epoch, or of the best one where there is patience; the scores are theirs. */
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

/** The loss is no longer a number: a finding about the settings, of which the same come to the same end. */
export class DivergedError extends Error {
  override readonly name = "DivergedError";

  /** @param epoch and @param step count from 0 */
  constructor(epoch: number, step: number, loss: number) {
    super(
      `epoch ${epoch + 1}, step ${step + 1}: the training has left the numbers, the loss is ${loss}. Try a lower learning rate, or clip the gradient.`,
    );
  }
}

/** The one thing that changes over time. */
interface State extends Trained {
  readonly progress: Progress;
  /** Moving average of the parameters, where one is asked for and an update was made. */
  readonly average: Tensors | null;
  /** What was scored in the best epoch. */
  readonly best: Tensors | null;
}

/**
 * Trains, and reports as it goes. Continues from the store's checkpoint where there is one; the result is the same to
 * the last bit wherever it was interrupted. The test images are scored once, after everything is decided.
 * @throws DivergedError where the loss is no longer a number
 */
export async function* trainLoop(config: LoopConfig, parts: LoopParts): AsyncGenerator<LoopEvent, TrainingResult> {
  const stored = await parts.store.load();
  const loaded = await loadParts(config, parts);
  try {
    return yield* run(config, parts, loaded, {
      progress: stored?.progress ?? beginning,
      parameters: stored?.parameters ?? firstParameters(parts, config.seed),
      state: stored?.state ?? parts.step.initialState(),
      average: stored?.average ?? null,
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
    const { progress, parameters, average } = current;
    const isBest = progress.best?.epoch === progress.epoch && progress.step === 0;
    await store.save({
      progress,
      parameters,
      state: await readAll(executor, current.state),
      average,
      best: isBest ? (average ?? parameters) : current.best,
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
      const updates = epoch * stepsPerEpoch + batch.step;
      const lr = learningRate(updates, schedule);
      const { masks, microBatch, parameters: moved } = step;
      const place = { seed: config.seed, epoch, step: batch.step, updates };
      const { gradientNoise = 0 } = config;
      const chance = chanceOf({ ...place, masks, microBatch, parameters: moved, gradientNoise });
      const { trained, loss, correct, gradientNorm } = await trainBatch(loaded, current, batch, lr, chance);
      if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) throw new DivergedError(epoch, batch.step, loss);
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
        average: config.ema ? follow(current.average, trained.parameters, averageDecay(updates + 1, config.ema)) : null,
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
    const { progress } = current;
    const scored = current.average ?? current.parameters;
    const epoch = progress.epoch + 1;
    const { loss, correct, images } = progress.running;
    lastVal = await predict(val, scored);
    const metrics = measure(lastVal);
    const isBest = metrics !== null && (progress.best === null || metrics.top1 > progress.best.val.top1);
    const found = { train: { loss: loss / images, top1: correct / images }, val: metrics, isBest };
    const line = { event: "epoch", epoch, ...found } as const;
    const best = isBest ? scored : current.best;
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
    while (current.progress.epoch < config.epochs && !isOverdue(current.progress, config.patience)) {
      yield* trainEpoch();
      yield* endEpoch();
    }
  } catch (error) {
    if (signal?.aborted) yield await save();
    throw error;
  }
  const { progress } = current;
  const last = current.average ?? current.parameters;
  const chosen = progress.best;
  const best = chosen?.epoch === progress.epoch ? last : current.best;
  const endsWithBest = config.patience !== undefined && chosen !== null && best !== null;
  const parameters = endsWithBest ? best : last;
  // Where the run goes on behind its last epoch, what the validation images scored has to be found again.
  const scored = {
    val: (parameters === last && lastVal) || (await predict(val, parameters)),
    test: await predict(test, parameters),
  };
  const found = { val: endsWithBest ? chosen.val : progress.val, test: measure(scored.test) };
  const bestTest = async () => (best === parameters ? found.test : measure(await predict(test, best as Tensors)));
  const { seconds, images } = progress.spent;
  return {
    parameters,
    ...found,
    scored,
    best: chosen && best && { ...chosen, test: await bestTest(), parameters: best },
    epochs: progress.epoch,
    imagesPerSecond: seconds > 0 ? images / seconds : 0,
    seconds,
  };
}

/** True where so many epochs in a row were no better than the best one. @see Prechelt, Early Stopping, but When?, 1998 */
const isOverdue = ({ epoch, best }: Progress, patience: number | undefined): boolean =>
  patience !== undefined && best !== null && epoch - best.epoch >= patience;

const beginning: Progress = {
  epoch: 0,
  step: 0,
  running: { loss: 0, correct: 0, images: 0 },
  val: null,
  best: null,
  metricsBytes: 0,
  spent: { seconds: 0, images: 0 },
};

/** Each tensor from a stream of its own, so that none depends on what else is trained. */
const firstParameters = ({ step, weights }: LoopParts, seed: number): Tensors =>
  step.initial((name) => stream(seed, "parameter", name).normal, weights);

function scheduleOf({ lr, minLr, epochs, warmupEpochs, warmupSteps }: LoopConfig, stepsPerEpoch: number): Schedule {
  const totalSteps = epochs * stepsPerEpoch;
  const asked = warmupSteps ?? Math.round((warmupEpochs ?? epochs / 10) * stepsPerEpoch);
  return { lr, minLr: Math.min(minLr, lr), warmupSteps: Math.min(asked, totalSteps), totalSteps };
}
