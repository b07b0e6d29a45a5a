import type { Loader } from "../data/loader.js";
import type { Tensor } from "../graph/tensor.js";
import type { Executor } from "../run/executor.js";
import type { Updater } from "./batch.js";
import { type Examples, featureExamples, imageExamples } from "./examples.js";
import { openLanes, openSession } from "./lanes.js";
import { type MixConfig, mixedExamples, mixes } from "./mix.js";
import type { TrainingStep } from "./step.js";
import type { RunStore } from "./store.js";

/** What the loop decides by. */
export interface LoopConfig extends Partial<MixConfig> {
  readonly epochs: number;
  readonly batchSize: number;
  readonly lr: number;
  readonly minLr: number;
  readonly warmupEpochs?: number | undefined;
  readonly warmupSteps?: number | undefined;
  readonly labelSmoothing: number;
  readonly seed: number;
  readonly checkpointSeconds: number;
  /** Decay of a moving average of the parameters, which is then what is scored and returned. */
  readonly ema?: number | undefined;
  /** Epochs without a better validation accuracy after which the training ends; its result is then the best epoch. */
  readonly patience?: number | undefined;
  /** η of the noise on the gradient; the step must be built for it. */
  readonly gradientNoise?: number | undefined;
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
  /** What an image counts by its class; absent where all count the same. */
  readonly classWeights?: Float64Array | undefined;
  readonly store: RunStore;
  /** Aborting it saves a checkpoint after the running update and throws its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: (() => number) | undefined;
}

/** The loaded graphs and the examples they are fed with. */
export interface Loaded extends Updater {
  readonly train: Examples;
  readonly val: Examples | null;
  readonly test: Examples | null;
}

/** The graphs of a training, loaded into their lanes, and its examples as the graphs take them. */
export async function loadParts(
  { labelSmoothing, seed, mixup = 0, cutmix = 0, mixProbability = 1, mixSwitch = 0.5 }: LoopConfig,
  { step, executors, weights, classes, classWeights, splits, isRandom, signal }: LoopParts,
): Promise<Loaded> {
  const lanes = await openLanes(executors, step, weights);
  const update = await openSession(executors[0] as Executor, step.update);
  const answer = async (lane: number, images: Tensor): Promise<Tensor> =>
    (await lanes[lane]?.features?.run({ images }))?.features as Tensor;
  const team = { lanes: lanes.length, microBatch: step.microBatch, answer };
  const mixing = { mixup, cutmix, mixProbability, mixSwitch };
  const examplesOf = (loader: Loader, changes = false): Examples => {
    const isMixed = changes && mixes(mixing);
    const images = isMixed ? mixedExamples(imageExamples(loader), mixing, seed) : imageExamples(loader);
    const batchesOf = (epoch: number) => loader.batches(epoch);
    const options = { team, batchesOf, isRandom: isMixed || isRandom, signal };
    return step.features ? featureExamples(images, options) : images;
  };
  return {
    step,
    lanes,
    classes,
    labelSmoothing,
    classWeights,
    update,
    train: examplesOf(splits.train, true),
    val: splits.val && examplesOf(splits.val),
    test: splits.test && examplesOf(splits.test),
  };
}
