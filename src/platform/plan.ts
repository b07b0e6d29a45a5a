import { freemem } from "node:os";
import type { Account } from "../adapter/account.js";
import type { Adapter } from "../adapter/file.js";
import { requireSplit } from "../data/dataset.js";
import { printTransform } from "../data/transform.js";
import { ConfigError, RuntimeUnavailableError } from "../errors.js";
import { methodOf } from "../methods/index.js";
import { defaultShare } from "../methods/sas.js";
import { accountFor, assembleStep, baseRate } from "../train/assemble.js";
import { classWeightsOf } from "../train/class-weights.js";
import type { TrainConfig } from "../train/config.js";
import { fitNetwork, type Network } from "../train/network.js";
import { resolveOptions } from "../train/options.js";
import { defaultMemoryBytes, divide, memoryOf } from "../train/resources.js";
import type { TrainingStep } from "../train/step.js";
import { threadsOf } from "./ort-node.js";
import type { RunFacts } from "./run-folder.js";
import { emptyShelf } from "./shelf.js";
import type { CheckedData } from "./splits.js";
import { type Transforms, transformsOf } from "./start.js";
import { engineVersion, packageVersion } from "./versions.js";

/** A training with nothing left to be decided, checked, and nothing written yet. */
export interface Plan {
  readonly facts: RunFacts;
  /** Estimate of the memory it takes. */
  readonly bytes: number;
  readonly data: CheckedData;
  readonly network: Network;
  readonly step: TrainingStep;
  readonly account: Account;
  readonly transforms: Transforms;
  /** Learning rate of the method's parameters. */
  readonly lr: number;
  readonly batchSize: number;
  /** What an image counts by its class; undefined where all count the same. */
  readonly classWeights: Float64Array | undefined;
  /** The adapter to be, but for its tensors. */
  readonly adapter: Omit<Adapter, "tensors">;
}

/**
 * The plan of a training.
 * @param earlier what the run was started with, where it goes on
 * @param shelf where network and data come from
 * @throws ConfigError where the configuration does not fit data or backbone, or they are not the run's any more
 * @throws FormatError where a checkpoint, a list or an image is damaged
 */
export async function planTraining(
  config: TrainConfig,
  earlier: RunFacts | undefined,
  onWarning: (text: string) => void,
  shelf = emptyShelf,
): Promise<Plan> {
  const method = methodOf(config.method);
  const [start, data] = await Promise.all([shelf.openStart(config), shelf.openData({ ...config, onWarning })]);
  const { contract, architecture: pretrained } = start;
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
  if (config.patience !== undefined && !data.splits.val) {
    throw new ConfigError(
      `patience: there are no validation images to judge by. Give the data a val split, or set valFraction.`,
    );
  }

  const transforms = transformsOf(config, contract.imageSize);
  const network = fitNetwork(start, transforms.imageSize, data.classes.length);
  const { architecture } = network;
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

  const present = {
    version: packageVersion(),
    engine: engineVersion(),
    backbone: await start.hash(),
    data: data.digest,
  };
  if (earlier) refuseChanges(config.out, earlier, present);
  // A resumed run keeps its division, or its sums would be made in another order.
  const threads = earlier?.threads ?? threadsOf(config.threads);
  const memoryBytes = config.memoryMb === undefined ? defaultMemoryBytes : config.memoryMb * 2 ** 20;
  const trainsBackbone = account.trainable === account.total;
  const { lanes, microBatch } = earlier ?? divide({ architecture, batchSize, threads, trainsBackbone, memoryBytes });
  const facts: RunFacts = { threads, lanes, microBatch, ...present };
  const bytes = memoryOf({ architecture, trainsBackbone }, lanes, microBatch);
  refuseScarcity(bytes);
  return {
    facts,
    bytes,
    data,
    network,
    step: assembleStep(config, lr, architecture, contract, method, options, facts.microBatch),
    account,
    transforms,
    lr,
    batchSize,
    classWeights: classWeightsOf(config.classWeights, config.classWeightBeta, train.labels, data.classes.length),
    adapter: {
      method: method.name,
      options,
      backbone: {
        name: pretrained.name ?? "vit",
        hash: facts.backbone,
        architecture: { ...pretrained, classes: 0 },
      },
      contract: { mean: contract.mean, std: contract.std },
      transform: printTransform(transforms.evaluation),
      classes: data.classes,
      account,
    },
  };
}

/** Names of the classes that no label is of. */
function emptyClasses(labels: Int32Array, classes: readonly string[]): readonly string[] {
  const present = new Set(labels);
  return classes.filter((_, i) => !present.has(i));
}

/** Bytes that can still be had, by the limits of a container too; older versions of Node only count what lies idle. */
const availableMemory = (): number => process.availableMemory?.() ?? freemem();

/** Stops before the machine would have to: what fails in the middle of an epoch fails late. */
function refuseScarcity(bytes: number): void {
  const free = availableMemory();
  if (bytes <= free) return;
  const [needed, left] = [bytes, free].map((count) => Math.ceil(count / 2 ** 20));
  throw new RuntimeUnavailableError(
    `training takes about ${needed} MiB, this machine has ${left} MiB left. Close other programs, allow less with --memory-mb, or take smaller images or a smaller network.`,
  );
}

/** Stops a run that would go on with something else than it began with. */
function refuseChanges(out: string, earlier: RunFacts, present: Partial<RunFacts>): void {
  const changed = (Object.keys(present) as (keyof RunFacts)[]).filter((key) => earlier[key] !== present[key]);
  if (changed.length === 0) return;
  const list = changed.map((key) => `${key} (was ${earlier[key]}, is ${present[key]})`).join(", ");
  throw new ConfigError(
    `${out}: the run began with other circumstances: ${list}. Restore them, or take another --out.`,
  );
}
