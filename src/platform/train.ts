import { join, resolve } from "node:path";
import { encodeAdapter } from "../adapter/file.js";
import type { Split } from "../data/dataset.js";
import { isDrawn } from "../data/drawn.js";
import { type Loader, refuseUnreadable } from "../data/loader.js";
import { splitAtRandom } from "../data/transform.js";
import { predictionsOf } from "../evaluate/predictions.js";
import { parseConfig, type TrainConfig, type TrainConfigInput } from "../train/config.js";
import type { DoneEvent, TrainEvent } from "../train/events.js";
import { type TrainingResult, trainLoop } from "../train/loop.js";
import { type EventFile, openEventFile } from "./event-file.js";
import { isLastingPlace, locateBackbone } from "./hub.js";
import { createLaneExecutors } from "./ort-node.js";
import { type Plan, planTraining } from "./plan.js";
import { openRunFolder, type RunTask, readResult, refuseExisting, runFiles } from "./run-folder.js";
import { earlierRun, startingPlace } from "./run-start.js";
import { emptyShelf, type Shelf } from "./shelf.js";
import { openLoaders } from "./splits.js";

/** A report with pictures of the worst mistakes, one without, or none. */
export type ReportKind = "images" | "no-images" | "none";

/** How a caller takes part in a training. */
export interface TrainHooks {
  /** Go on with the run in `out` where there is one. */
  readonly resume?: boolean;
  /** Take a backbone of the hub from the cache only. */
  readonly offline?: boolean | undefined;
  /** Aborting it saves a checkpoint and rejects with its reason. */
  readonly signal?: AbortSignal;
  /** Is told what happens, in order. */
  readonly onEvent?: (event: TrainEvent) => void;
  /** Is told of what goes on in spite of it. */
  readonly onWarning?: (text: string) => void;
  /** What is written beside the results when they are there; default a report with pictures. */
  readonly report?: ReportKind;
  /** What the configuration came from, for messages; default "configuration". */
  readonly source?: string;
  /** What the person calls a key of the configuration, for messages; default its own name. */
  readonly nameOf?: (key: string) => string;
  /** Whether the test images are scored at the end; default true. A search must not look at them. */
  readonly scoresTest?: boolean;
  /** What is shared with other trainings of this process. */
  readonly shelf?: Shelf;
}

/**
 * Trains as the configuration says and returns the last event of the run, which is also its `result.json`. Nothing is
 * written before everything has been checked. A finished run is not touched.
 * @throws ConfigError where the configuration, the data or the run folder do not allow it
 * @throws FormatError where the backbone, an image or a list is damaged
 */
export async function train(input: TrainConfigInput, hooks: TrainHooks = {}): Promise<DoneEvent> {
  const { resume = false, onEvent = () => {}, onWarning = () => {}, source = "configuration" } = hooks;
  const config = parseConfig(input, source, hooks.nameOf);
  const { out } = config;
  await refuseExisting(out, resume);
  const earlier = await earlierRun(config);
  if (earlier) {
    const result = await readResult(out);
    if (result) {
      onEvent(result);
      return result;
    }
  }
  const { signal, offline } = hooks;
  const wanted = { signal, offline, onWarning, onDownload: onEvent };
  const { folder: backbone, place } = await locateBackbone(...startingPlace(config, earlier, wanted));
  const plan = await planTraining({ ...config, backbone }, earlier?.facts, onWarning, hooks.shelf);
  hooks.signal?.throwIfAborted();
  const folder = await openRunFolder(out);
  try {
    if (folder.record && !earlier) await refuseExisting(out, false);
    const places = {
      backbone: place,
      data: isDrawn(config.data) ? config.data : resolve(config.data),
    };
    if (!folder.record) await folder.writeRecord({ config, facts: plan.facts, places, task: taskOf(plan) });
    const result = await runPlan(config, plan, folder, { ...hooks, onEvent, onWarning });
    const { parameters, best } = result;
    const done = doneEvent(config, plan, result, place);
    await folder.finish(
      encodeAdapter({ ...plan.adapter, tensors: parameters }),
      best && encodeAdapter({ ...plan.adapter, tensors: best.parameters }),
      predictionLines(plan, result),
      done,
    );
    await writeReport(out, hooks);
    onEvent(done);
    return done;
  } finally {
    await folder.release();
  }
}

const taskOf = ({ data: { classes, splits }, account }: Plan): RunTask => {
  const count = (split: Split): number => splits[split]?.count ?? 0;
  return { classes, images: { train: count("train"), val: count("val"), test: count("test") }, account };
};

/** The file of predictions, in pieces: one line of JSON for each validation and test image. */
function* predictionLines({ data }: Plan, { scored }: TrainingResult): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  let lines = "";
  for (const split of ["val", "test"] as const) {
    const [found, examples] = [scored[split], data.splits[split]];
    if (!found || !examples) continue;
    for (const one of predictionsOf(split, found, (row) => examples.id(found.indices[row] as number))) {
      lines += `${JSON.stringify(one)}\n`;
      if (lines.length < 2 ** 16) continue;
      yield encoder.encode(lines);
      lines = "";
    }
  }
  yield encoder.encode(lines);
}

/** A report that cannot be written is no reason to lose the run. */
async function writeReport(out: string, { report: kind = "images", onWarning = () => {} }: TrainHooks): Promise<void> {
  if (kind === "none") return;
  // Loaded here: it is of no use before the end.
  const { report } = await import("./report.js");
  await report(out, { images: kind === "images" }).catch((error: unknown) => {
    onWarning(
      `${out}: the report could not be written; sas-petl report makes it again. ${error instanceof Error ? error.message : ""}`,
    );
  });
}

/** Runs the loop over the files of this machine. */
async function runPlan(
  config: TrainConfig,
  { facts, bytes, data, network, step, transforms, lr, batchSize, classWeights, account, adapter }: Plan,
  store: Awaited<ReturnType<typeof openRunFolder>>,
  {
    signal,
    onEvent,
    onWarning,
    scoresTest = true,
    shelf = emptyShelf,
  }: TrainHooks & Required<Pick<TrainHooks, "onEvent" | "onWarning">>,
): Promise<TrainingResult> {
  const { train: transform, evaluation } = transforms;
  const loaders = openLoaders(
    data,
    { train: transform, val: evaluation, ...(scoresTest && { test: evaluation }) },
    {
      seed: config.seed,
      batchSize,
      sampling: config.sampling,
      decode: shelf.decoderOf(config.data),
      ...(config.skipUnreadable && { onUnreadable: onWarning }),
    },
  );
  const executors = await createLaneExecutors(facts.lanes, facts.threads / facts.lanes);
  try {
    const loop = trainLoop(
      { ...config, lr, batchSize },
      {
        step,
        executors,
        weights: network.weights,
        classes: data.classes.length,
        classWeights,
        splits: { ...loaders, train: loaders.train as Loader },
        isRandom: splitAtRandom(transform).random.length > 0,
        store,
        signal,
      },
    );
    let board: EventFile | undefined;
    let isTestRead = loaders.test === null || config.skipUnreadable;
    for (;;) {
      const { value, done } = await loop.next();
      if (done) {
        await board?.finish({ test: value.test && { ...value.test } });
        return value;
      }
      if (value.event === "start") board = await openEventFile(config.out, value.stepsPerEpoch, describeConfig(config));
      else if (value.event !== "checkpoint") await board?.append(value);
      onEvent(value.event === "start" ? { ...value, method: adapter.method, memoryBytes: bytes, ...account } : value);
      if (value.event !== "epoch" || isTestRead) continue;
      // Once the first epoch has shown that the training works, so that no bad image of the test ends it at its end.
      refuseUnreadable((await loaders.test?.warm()) ?? [], config.data);
      isTestRead = true;
    }
  } finally {
    await Promise.all(executors.map((executor) => executor.close()));
  }
}

/** The configuration as Markdown, for TensorBoard. */
const describeConfig = (config: TrainConfig): string =>
  `    ${JSON.stringify(config, null, 2).replaceAll("\n", "\n    ")}`;

const doneEvent = (
  config: TrainConfig,
  { account, adapter, facts, lr, batchSize }: Plan,
  r: TrainingResult,
  place: string,
): DoneEvent => ({
  event: "done",
  method: adapter.method,
  ...account,
  val: r.val,
  test: r.test,
  best: r.best && { epoch: r.best.epoch, val: r.best.val, test: r.best.test },
  imagesPerSecond: r.imagesPerSecond,
  adapter: join(config.out, runFiles.adapter),
  options: adapter.options,
  architecture: adapter.backbone.name,
  // A path is of this machine.
  ...(isLastingPlace(place) && { place }),
  epochs: config.epochs,
  epochsDone: r.epochs,
  batchSize,
  lr,
  headLr: config.headLr,
  seed: config.seed,
  device: config.device,
  seconds: r.seconds,
  ...facts,
});
