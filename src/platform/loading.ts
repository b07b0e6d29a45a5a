import { type Dataset, requireSplit, selectExamples } from "../data/dataset.js";
import { createLoader } from "../data/loader.js";
import { splitAtRandom, type Transform } from "../data/transform.js";
import type { TrainConfig } from "../train/config.js";
import { imageExamples } from "../train/examples.js";
import { mixedExamples, mixes } from "../train/mix.js";
import { decodeImage, defaultCacheBytes, parallelDecodes } from "./images.js";

/** What images cost before the network sees them, in seconds each. */
export interface Loading {
  /** Reading and decoding, once for an image that can be kept. */
  readonly decode: number;
  /** What is done to a training image in every epoch. */
  readonly change: number;
  /** True where training images change from epoch to epoch. */
  readonly changes: boolean;
}

/** Images that are tried. */
const sampleSize = 16;

/** The cost of images, from a few of the training images; those that cannot be read are passed over. */
export async function measureLoading(
  dataset: Dataset,
  transform: Transform,
  config: Pick<TrainConfig, "mixup" | "cutmix" | "mixProbability" | "mixSwitch">,
): Promise<Loading> {
  const train = requireSplit(dataset, "train");
  const count = Math.min(sampleSize, train.count);
  const places = Array.from({ length: count }, (_, i) => Math.floor((i * train.count) / count));
  const isMixed = mixes(config);
  let keptBytes = 0;
  const open = () => {
    keptBytes = 0;
    const loader = createLoader(selectExamples(train, places), {
      transform,
      batchSize: count,
      parallel: parallelDecodes(),
      onUnreadable() {},
      async decode(...image) {
        const decoded = await decodeImage(...image);
        keptBytes += decoded.data.byteLength;
        return decoded;
      },
    });
    return isMixed ? mixedExamples(imageExamples(loader), config, 0) : imageExamples(loader);
  };
  const serve = async (examples: ReturnType<typeof open>, epoch: number): Promise<number> => {
    const began = performance.now();
    for await (const _ of examples.epoch(epoch, 0));
    return (performance.now() - began) / 1000 / count;
  };
  // The first time reads from the disk and compiles; a training does it once for thousands.
  await serve(open(), 0);
  const examples = open();
  const first = await serve(examples, 0);
  let change = await serve(examples, 1);
  for (let epoch = 2, end = performance.now() + 200; performance.now() < end; epoch++) {
    change = Math.min(change, await serve(examples, epoch));
  }
  const decode = Math.max(0, first - change);
  // What the memory does not hold is decoded in every epoch.
  const images = Object.values(dataset.splits).reduce((sum, split) => sum + (split?.count ?? 0), 0);
  const excess = Math.max(0, 1 - defaultCacheBytes() / ((keptBytes / count) * images));
  return {
    decode,
    change: change + excess * decode,
    changes: isMixed || splitAtRandom(transform).random.length > 0,
  };
}
