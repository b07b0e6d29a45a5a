import type { Account } from "../adapter/account.js";
import { type Dataset, requireSplit, splitNames } from "../data/dataset.js";
import { ConfigError, RuntimeUnavailableError } from "../errors.js";
import { type AnyMethod, methodOf } from "../methods/index.js";
import { defaultShare } from "../methods/sas.js";
import { accountFor, assembleStep, baseRate } from "../train/assemble.js";
import { classWeightsOf } from "../train/class-weights.js";
import type { TrainConfig } from "../train/config.js";
import type { RunFacts } from "../train/events.js";
import { bytesOf, type Footprint, trainingFootprint } from "../train/footprint.js";
import { fitArchitecture } from "../train/network.js";
import { resolveOptions } from "../train/options.js";
import { defaultMemoryBytes, divide } from "../train/resources.js";
import type { TrainingStep } from "../train/step.js";
import { type Architecture, parameterCount } from "../vit/architecture.js";
import { defaultCacheBytes } from "./images.js";
import { threadsOf } from "./ort-node.js";
import { type StartOutline, type Transforms, transformsOf } from "./start.js";

/** Everything about a training that can be decided without the weights. */
export interface Decisions {
  /** Of the training: its image size and classes. */
  readonly architecture: Architecture;
  readonly method: AnyMethod;
  readonly options: Readonly<Record<string, unknown>>;
  readonly account: Account;
  readonly transforms: Transforms;
  /** Learning rate of the method's parameters. */
  readonly lr: number;
  readonly batchSize: number;
  /** What an image counts by its class; undefined where all count the same. */
  readonly classWeights: Float64Array | undefined;
  readonly division: Pick<RunFacts, "threads" | "lanes" | "microBatch">;
  /** Estimate of the memory it takes. */
  readonly bytes: number;
  readonly step: TrainingStep;
}

/**
 * What a configuration means for a network and a data set.
 * @param earlier how the run was divided, where it goes on: another division would make its sums in another order
 * @throws ConfigError where the configuration does not fit them
 * @throws RuntimeUnavailableError where the memory does not suffice
 */
export function decideTraining(
  config: TrainConfig,
  start: StartOutline,
  data: Dataset,
  earlier: Decisions["division"] | undefined,
  onWarning: (text: string) => void,
): Decisions {
  for (const warning of start.warnings) onWarning(`${config.backbone}: ${warning}`);
  if (start.unused.length > 0) onWarning(`${config.backbone}: not needed: ${start.unused.join(", ")}`);

  const train = requireSplit(data, "train");
  const [empty, ...more] = emptyClasses(train.labels, data.classes);
  if (empty !== undefined) {
    const names = [empty, ...more.slice(0, 9)].join(", ");
    onWarning(
      `${config.data}: ${1 + more.length} of ${data.classes.length} classes have no training image: ${names}${more.length > 9 ? ", …" : ""}. Labels count from 0; check the lists if this is not meant`,
    );
  }
  if (data.classes.length < 2) {
    throw new ConfigError(
      `${config.data}: there is one class only, ${JSON.stringify(data.classes[0])}, so there is nothing to tell apart; expected two or more.`,
    );
  }
  if (config.patience !== undefined && !data.splits.val) {
    throw new ConfigError(
      `patience: there are no validation images to judge by. Give the data a val split, or set valFraction.`,
    );
  }

  const transforms = transformsOf(config, start.contract.imageSize);
  const method = methodOf(config.method);
  const architecture = fitArchitecture(start.architecture, transforms.imageSize, data.classes.length);
  const options = resolveOptions(method, architecture, config.options);
  const account = accountFor(method, architecture, options);
  // A size the user chose is the user's: the account says what share it is.
  const isChosen = ["rank", "embedding", "hidden"].some((key) => key in config.options);
  if (method.name === "sas" && account.share >= defaultShare && !isChosen) {
    onWarning(`the network is so small that the smallest adapter is ${(100 * account.share).toFixed(3)} % of it`);
  }
  const lr = baseRate(config, account);
  if (config.minLr >= lr) {
    throw new ConfigError(
      `minLr: the rate falls from lr, ${lr}, so it must be lower; got ${config.minLr}. Give a lower one; 0 is allowed.`,
    );
  }
  const batchSize = Math.min(config.batchSize, train.count);

  const threads = earlier?.threads ?? threadsOf(config.threads);
  const memoryBytes = config.memoryMb === undefined ? defaultMemoryBytes : config.memoryMb * 2 ** 20;
  const steps = new Map<number, { readonly step: TrainingStep; readonly footprint: Footprint }>();
  const stepOf = (microBatch: number) => {
    const known = steps.get(microBatch);
    if (known) return known;
    const step = assembleStep(config, lr, architecture, start.contract, method, options, microBatch);
    const extent = { weightBytes: 4 * parameterCount(start.architecture), isAveraged: config.ema !== undefined };
    const made = { step, footprint: trainingFootprint(step, extent) };
    steps.set(microBatch, made);
    return made;
  };
  const trainsBackbone = account.trainable === account.total;
  const demand = { architecture, batchSize, threads, trainsBackbone, memoryBytes };
  const { lanes, microBatch } = earlier ?? divide({ ...demand, footprint: (size) => stepOf(size).footprint });
  const { step, footprint } = stepOf(microBatch);
  const bytes = bytesOf(footprint, lanes, threads / lanes) + cachedImages(data, transforms);
  refuseScarcity(bytes);
  return {
    architecture,
    method,
    options,
    account,
    transforms,
    lr,
    batchSize,
    classWeights: classWeightsOf(config.classWeights, config.classWeightBeta, train.labels, data.classes.length),
    division: { threads, lanes, microBatch },
    bytes,
    step,
  };
}

/** Bytes of the decoded images that are kept from epoch to epoch. */
function cachedImages({ splits }: Dataset, { imageSize: [height, width] }: Transforms): number {
  const images = splitNames.reduce((count, name) => count + (splits[name]?.count ?? 0), 0);
  return Math.min(defaultCacheBytes(), images * height * width * 3);
}

/** Names of the classes that no label is of. */
function emptyClasses(labels: Int32Array, classes: readonly string[]): readonly string[] {
  const present = new Set(labels);
  return classes.filter((_, i) => !present.has(i));
}

/** Stops before the machine would have to: what fails in the middle of an epoch fails late. */
function refuseScarcity(bytes: number): void {
  const free = process.availableMemory();
  if (bytes <= free) return;
  const [needed, left] = [bytes, free].map((count) => Math.ceil(count / 2 ** 20));
  throw new RuntimeUnavailableError(
    `training takes about ${needed} MiB, this machine has ${left} MiB left. Close other programs, allow less with --memory-mb, or take smaller images or a smaller network.`,
  );
}
