import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { type Adapter, encodeAdapter } from "../adapter/file.js";
import { printTransform, splitAtRandom } from "../data/transform.js";
import { requireSplit } from "../data/dataset.js";
import { refuseUnreadable, type Loader } from "../data/loader.js";
import { ConfigError } from "../errors.js";
import { methodOf } from "../methods/index.js";
import { accountFor, assembleStep, baseRate } from "../train/assemble.js";
import type { Tensors } from "../train/checkpoint.js";
import { differingKeys, parseConfig, type TrainConfigInput } from "../train/config.js";
import type { DoneEvent, TrainEvent } from "../train/events.js";
import { trainLoop, type TrainingResult } from "../train/loop.js";
import { microBatchOf } from "../train/micro-batch.js";
import { fitNetwork } from "../train/network.js";
import { resolveOptions } from "../train/options.js";
import { createOrtExecutor } from "./ort-node.js";
import { openRunFolder, type RunFacts, type RunFolder, type RunRecord, readResult, readRunRecord, refuseExisting, runFiles } from "./run-folder.js";
import { openCheckedData, openLoaders } from "./splits.js";
import { openStart, transformsOf } from "./start.js";
import { engineVersion, packageVersion } from "./versions.js";

/** How a caller takes part in a training. */
export interface TrainHooks {
  /** Go on with the run in `out` where there is one. */
  readonly resume?: boolean;
  /** Aborting it saves a checkpoint and rejects with its reason. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TrainEvent) => void;
  readonly onWarning?: (text: string) => void;
  /** What the configuration came from, for messages; default "configuration". */
  readonly source?: string;
}

/**
 * Trains as the configuration says and returns the last event of the run, which is also its `result.json`. Nothing is
 * written before everything has been checked.
 * @throws ConfigError where the configuration, the data or the run folder do not allow it
 * @throws FormatError where the backbone, an image or a list is damaged
 */
export async function train(input: TrainConfigInput, hooks: TrainHooks = {}): Promise<DoneEvent> {
  const { resume = false, signal, onEvent = () => {}, onWarning = () => {}, source = "configuration" } = hooks;
  const config = parseConfig(input, source);
  const { out } = config;
  await refuseExisting(out, resume);
  const earlier = resume ? await readRunRecord(out) : undefined;
  if (earlier) {
    const keys = differingKeys(earlier.config, config);
    if (keys.length > 0) throw notTheSame(out, keys);
    const result = await readResult(out);
    if (result) {
      onEvent(result);
      return result;
    }
  }
  const began = performance.now();
  const method = methodOf(config.method);
  const [start, data] = await Promise.all([openStart(config), openCheckedData({ ...config, onWarning })]);
  for (const warning of start.warnings) onWarning(`${config.backbone}: ${warning}`);
  if (start.unused.length > 0) onWarning(`${config.backbone}: not needed: ${start.unused.join(", ")}`);
  const images = requireSplit({ layout: "lists", ...data }, "train");
  const transforms = transformsOf(config, start.contract.imageSize);
  const network = fitNetwork(start, transforms.imageSize, data.classes.length);
  const options = resolveOptions(method, network.architecture, config.options);
  const account = accountFor(method, network.architecture, options);
  const lr = baseRate(config, account);

  const batchSize = Math.min(config.batchSize, images.count);
  const facts: RunFacts = earlier?.facts ?? {
    version: packageVersion(),
    engine: engineVersion(),
    threads: config.threads ?? availableParallelism(),
    microBatch: microBatchOf(network.architecture, batchSize),
    backbone: await start.hash(),
    data: data.digest,
  };
  const present = { ...facts, version: packageVersion(), engine: engineVersion(), backbone: await start.hash(), data: data.digest };
  const changed = (Object.keys(facts) as (keyof RunFacts)[]).filter((key) => facts[key] !== present[key]);
  if (changed.length > 0) throw notTheSame(out, changed);
  const step = assembleStep(config, lr, network.architecture, start.contract, method, options, facts.microBatch);

  const folder = await openRunFolder(out);
  const executor = await createOrtExecutor({ threads: facts.threads });
  try {
    if (folder.record && !resume) await refuseExisting(out, false);
    const places = { backbone: resolve(config.backbone), data: resolve(config.data) };
    if (!folder.record) await folder.writeRecord({ config, facts, places });
    const loaders = openLoaders(
      data,
      { train: transforms.train, val: transforms.evaluation, test: transforms.evaluation },
      { seed: config.seed, batchSize, ...(config.skipUnreadable && { onUnreadable: onWarning }) },
    );
    const isRandom = splitAtRandom(transforms.train).random.length > 0;
    const loop = trainLoop(
      { ...config, lr, batchSize },
      {
        step,
        executor,
        weights: network.weights,
        classes: data.classes.length,
        splits: { ...loaders, train: loaders.train as Loader },
        isRandom,
        store: folder,
        signal,
      },
    );
    let testIsRead = loaders.test === null || config.skipUnreadable;
    for (;;) {
      const next = await loop.next();
      if (!next.done) {
        onEvent(next.value);
        // Read once the first epoch has shown that the training works, so that no bad image of the test ends it late.
        if (next.value.event === "epoch" && !testIsRead) {
          refuseUnreadable((await loaders.test?.warm()) ?? []);
          testIsRead = true;
        }
        continue;
      }
      const { parameters, best, ...result } = next.value;
      const adapterOf = (tensors: Tensors): Iterable<Uint8Array> =>
        encodeAdapter({
          method: method.name,
          options,
          backbone: { name: start.architecture.name ?? "vit", hash: facts.backbone, architecture: start.architecture },
          contract: { mean: start.contract.mean, std: start.contract.std },
          transform: printTransform(transforms.evaluation),
          classes: data.classes,
          account,
          tensors,
        });
      const done: DoneEvent = {
        event: "done",
        method: method.name,
        ...account,
        val: result.val,
        test: result.test,
        best: best && { epoch: best.epoch, val: best.val, test: best.test },
        imagesPerSecond: result.imagesPerSecond,
        adapter: join(out, runFiles.adapter),
      };
      await folder.finish(adapterOf(parameters), best && adapterOf(best.parameters), done);
      onEvent(done);
      return done;
    }
  } finally {
    await executor.close();
    await folder.release();
  }
}
