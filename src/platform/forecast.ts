import { join } from "node:path";
import type { Account } from "../adapter/account.js";
import type { Split } from "../data/dataset.js";
import { ConfigError } from "../errors.js";
import { assembleStep } from "../train/assemble.js";
import { parseConfig, type TrainConfig, type TrainConfigInput } from "../train/config.js";
import { measurePace, type Pace, shortened } from "../train/pace.js";
import { openDataset } from "./datasets.js";
import { type Decisions, decideTraining } from "./decisions.js";
import { outlineModel } from "./hub/outline.js";
import { hubSettings } from "./hub/settings.js";
import { findModel, type LocateOptions, locateBackbone } from "./hub.js";
import { type Loading, measureLoading } from "./loading.js";
import { createLaneExecutors } from "./ort-node.js";
import { refuseChanges } from "./plan.js";
import { refuseExisting, runFiles } from "./run-folder.js";
import { earlierRun, startingPlace } from "./run-start.js";
import { outlineStart, type StartOutline } from "./start.js";
import type { TrainHooks } from "./train.js";
import { engineVersion, packageVersion } from "./versions.js";

/** What a training would be. */
export interface Forecast extends Account {
  /** The name of the network, and where it is. */
  readonly architecture: string;
  readonly place: string;
  readonly method: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly classes: number;
  readonly images: Readonly<Record<Split, number>>;
  readonly imageSize: readonly [height: number, width: number];
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  readonly batchSize: number;
  readonly lr: number;
  readonly threads: number;
  readonly lanes: number;
  readonly microBatch: number;
  /** Estimate of the memory at its greatest. */
  readonly memoryBytes: number;
  /** Of an epoch with its validation, as fast as the machine is now; the first takes more where images are decoded. */
  readonly secondsPerEpoch: number;
  /** Of all epochs and the test. */
  readonly seconds: number;
  /** What the run would leave behind. */
  readonly files: readonly string[];
}

/** What a forecast takes of a training's hooks. */
export type ForecastHooks = Pick<TrainHooks, "resume" | "offline" | "signal" | "onWarning" | "source" | "nameOf">;

/**
 * What a training of this configuration would be, from the configuration, the headers of the weights, the list of the
 * images, a few of these, and some seconds of computing with made-up weights. Nothing is written, and no weight is read; so
 * what only contents would show is not found.
 * @throws as `train` does before it has read them
 */
export async function forecast(input: TrainConfigInput, hooks: ForecastHooks = {}): Promise<Forecast> {
  const { resume = false, onWarning = () => {}, source = "configuration", signal, offline } = hooks;
  const config = parseConfig(input, source, hooks.nameOf);
  await refuseExisting(config.out, resume);
  const earlier = await earlierRun(config);
  const wanted = { signal, offline, onWarning };
  const onData = (text: string): void => onWarning(`${config.data}: ${text}`);
  const { final, seed, valFraction, shots } = config;
  const chosen = { final, seed, valFraction, shots, onWarning: onData };
  const [start, data] = await Promise.all([
    outlinePlace(config, ...startingPlace(config, earlier, wanted)),
    openDataset(config.data, chosen),
  ]);
  const { division, ...decided } = decideTraining(config, start, data, earlier?.facts, onWarning);
  if (earlier) refuseChanges(config.out, earlier.facts, { version: packageVersion(), engine: engineVersion() });
  signal?.throwIfAborted();
  const loading = await measureLoading(data, decided.transforms.train, config);
  const pace = await paceOf(config, start, { ...decided, division });
  const { splits, classes } = data;
  const count = (split: Split): number => splits[split]?.count ?? 0;
  const images = { train: count("train"), val: count("val"), test: count("test") };
  const { account, architecture, method, options, batchSize, lr, bytes } = decided;
  return {
    ...account,
    architecture: start.name,
    place: start.place,
    method: method.name,
    options,
    classes: classes.length,
    images,
    imageSize: architecture.imageSize,
    epochs: config.epochs,
    stepsPerEpoch: Math.ceil(images.train / batchSize),
    batchSize,
    lr,
    ...division,
    memoryBytes: bytes,
    ...secondsOf(pace, loading, images, config.epochs),
    files: Object.entries(runFiles)
      .filter(([kind]) => kind !== "best" || images.val > 0)
      .map(([, name]) => join(config.out, name)),
  };
}

/** The outline of what a name means; a model of the hub that is not in the cache is looked at where it lies. */
async function outlinePlace(
  config: TrainConfig,
  name: string,
  options: LocateOptions,
): Promise<StartOutline & { readonly place: string }> {
  const model = await findModel(name, options.revision);
  const settings = model && (await hubSettings(process.env, options.offline));
  const located = await locateBackbone(name, { ...options, offline: model ? true : options.offline }).catch((error) => {
    if (model && !settings?.offline && error instanceof ConfigError) return undefined;
    throw error;
  });
  if (located) return { ...(await outlineStart({ ...config, backbone: located.folder })), place: located.place };
  if (!model || !settings) throw new Error(`${name} is found neither here nor on the hub`);
  return outlineModel(model, settings, options);
}

/** The pace of a training on this machine, by the same step on a network of few blocks. */
export async function paceOf(config: TrainConfig, start: StartOutline, decided: Decisions): Promise<Pace> {
  const { architecture, method, options, lr, batchSize, division, step } = decided;
  const { threads, lanes, microBatch } = division;
  const short = shortened(architecture);
  const few = { ...config, layerDecay: 1, dropPath: short.blocks > 1 ? config.dropPath : 0 };
  const part = assembleStep(few, lr, short, start.contract, method, options, microBatch);
  const executors = await createLaneExecutors(lanes, threads / lanes);
  try {
    return await measurePace(executors, step, part, short, { ...config, batchSize });
  } finally {
    await Promise.all(executors.map((executor) => executor.close()));
  }
}

/**
 * The seconds of an epoch, and of all with the test. The loader works beside the lanes on the same processors, so its time
 * adds to theirs. Where only the head is trained, an image that does not change is looked at once.
 */
export function secondsOf(pace: Pace, loading: Loading, { train, val, test }: Forecast["images"], epochs: number) {
  const { decode, change, changes } = loading;
  const isKept = pace.features > 0 && !changes;
  const once = decode * (train + val + test) + pace.features * (val + test + (isKept ? train : 0));
  const perImage = pace.train + (isKept ? 0 : pace.features + change);
  const secondsPerEpoch = perImage * train + pace.predict * val;
  return { secondsPerEpoch, seconds: once + epochs * secondsPerEpoch + pace.predict * test };
}
