import { stream } from "../dist/data/random.js";
import { methodOf } from "../dist/methods/index.js";
import { openBackbone } from "../dist/platform/backbone.js";
import { createLaneExecutors } from "../dist/platform/ort-node.js";
import { accountFor, assembleStep, baseRate } from "../dist/train/assemble.js";
import { parseConfig } from "../dist/train/config.js";
import { trainLoop } from "../dist/train/loop.js";
import { fitNetwork } from "../dist/train/network.js";
import { resolveOptions } from "../dist/train/options.js";
import { defaultMemoryBytes, divide } from "../dist/train/resources.js";

/** Classes of every task here. */
const classes = 10;

/**
 * The product's training of a backbone in a folder, with its defaults, but for the loader and the run folder: nothing is
 * written. `division` (lanes, micro-batch) takes the place of the engine's own. `start(loader)` gives a loop that has loaded its graphs and waits before the first batch.
 */
export async function openTraining({ backbone, imageSize, batch, threads, epochs = 1, division }) {
  const written = { backbone, data: "none", out: "none", batchSize: batch, epochs, checkpointSeconds: 1e9 };
  const config = parseConfig(written, "bench");
  const method = methodOf(config.method);
  const { contract, ...network } = await openBackbone(backbone);
  const { architecture, weights } = fitNetwork(network, [imageSize, imageSize], classes);
  const options = resolveOptions(method, architecture, {});
  const account = accountFor(method, architecture, options);
  const demand = { architecture, batchSize: batch, threads, trainsBackbone: false, memoryBytes: defaultMemoryBytes };
  const { lanes, microBatch } = division ?? divide(demand);
  const lr = baseRate(config, account);
  const step = assembleStep(config, lr, architecture, contract, method, options, microBatch);
  const executors = await createLaneExecutors(lanes, threads / lanes);
  const store = { load: async () => undefined, save: async () => {}, append: async () => 0 };
  return {
    facts: { lanes, microBatch, options, trained: account.trainable + account.head },
    async start(train) {
      const splits = { train, val: null, test: null };
      const parts = { step, executors, weights, classes, splits, isRandom: false, store };
      const loop = trainLoop({ ...config, lr }, parts);
      await loop.next();
      return loop;
    },
    close: () => Promise.all(executors.map((executor) => executor.close())),
  };
}

/** A loader that gives one batch of noise again and again; the last one of an epoch is as short as it comes. */
export function repeatBatch({ count, imageSize, batch }) {
  const batchCount = Math.ceil(count / batch);
  const random = stream(0, "noise");
  const pixels = Uint8Array.from({ length: batch * imageSize ** 2 * 3 }, () => random.word() >>> 24);
  async function* epoch() {
    for (let step = 0; step < batchCount; step++) {
      const size = Math.min(batch, count - step * batch);
      const indices = Int32Array.from({ length: size }, (_, i) => step * batch + i);
      const images = pixels.subarray(0, size * imageSize ** 2 * 3);
      const labels = indices.map((index) => index % classes);
      yield { step, images, shape: [size, imageSize, imageSize, 3], labels, indices };
    }
  }
  return { count, batchCount, epoch };
}

/** The next event of that name. */
export async function nextEvent(loop, name) {
  for (;;) {
    const { value, done } = await loop.next();
    if (done) throw new Error(`the training ended before the next ${name}`);
    if (value.event === name) return value;
  }
}
