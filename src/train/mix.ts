import { drawBeta } from "../data/beta.js";
import { type Stream, stream } from "../data/random.js";
import { type Tensor, tensor } from "../graph/tensor.js";
import type { ExampleBatch, Examples } from "./examples.js";

/** How training images are mixed, batch by batch. */
export interface MixConfig {
  /** α of mixup; 0 is off. */
  readonly mixup: number;
  /** α of cutmix; 0 is off. */
  readonly cutmix: number;
  /** Probability that a batch is mixed. */
  readonly mixProbability: number;
  /** Probability that it is cutmix, where both are on. */
  readonly mixSwitch: number;
}

/** Rows and columns of a rectangle, ends excluded. */
export interface Box {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/** What is done to one batch: each image is mixed with its partner, the one at its place counted from the end. */
export interface Mix {
  /** What stays of each image and of its label, in [0, 1]. */
  readonly share: number;
  /** The part that comes from the partner; without it both are blended everywhere. */
  readonly box?: Box;
}

/** True where some batches are mixed. */
export const mixes = ({ mixup, cutmix, mixProbability }: MixConfig): boolean =>
  (mixup > 0 || cutmix > 0) && mixProbability > 0;

// Shares are whole numbers of this part: blending needs no fractions, and the last bit of `Math.exp` does not matter.
const parts = 2 ** 16;

/**
 * What is done to a batch, or `undefined` where it stays as it is: λ from Beta(α, α) for mixup; for cutmix a rectangle with
 * the image's proportions and `1 − λ` of its area, its middle anywhere, cut at the border, and λ corrected to what is left.
 * @see Zhang, Cisse, Dauphin, Lopez-Paz, mixup, 2018; Yun et al., CutMix, 2019; timm `Mixup` in its mode `batch`
 */
export function drawMix(config: MixConfig, height: number, width: number, random: Stream): Mix | undefined {
  const { mixup, cutmix, mixProbability, mixSwitch } = config;
  if (!mixes(config) || random.uniform() >= mixProbability) return undefined;
  const cuts = cutmix > 0 && (mixup === 0 || random.uniform() < mixSwitch);
  const share = Math.round(parts * drawBeta(cuts ? cutmix : mixup, random)) / parts;
  return cuts ? cutAt(share, height, width, random.integer(height), random.integer(width)) : { share };
}

/** The cutmix of `1 − share` of the area about a middle. */
export function cutAt(share: number, height: number, width: number, middleY: number, middleX: number): Mix {
  const side = Math.sqrt(1 - share);
  const around = (middle: number, length: number): readonly [number, number] => {
    const cut = Math.trunc(length * side);
    return [Math.max(0, middle - Math.floor(cut / 2)), Math.min(length, middle + Math.floor((cut + 1) / 2))];
  };
  const [top, bottom] = around(middleY, height);
  const [left, right] = around(middleX, width);
  return { share: 1 - ((bottom - top) * (right - left)) / (height * width), box: { top, bottom, left, right } };
}

/**
 * The images of a batch, each mixed with its partner: `λ·own + (1 − λ)·partner`, rounded, or own with the partner's box.
 * @param images `uint8 [batch, height, width, channels]`
 */
export function mixImages(images: Tensor, { share, box }: Mix): Tensor {
  const [count = 0, , width = 0, channels = 0] = images.shape;
  const data = images.data as Uint8Array;
  const size = data.length / count;
  const mixed = box ? data.slice() : new Uint8Array(data.length);
  const own = Math.round(share * parts);
  for (let i = 0; i < count; i++) {
    const [from, to] = [(count - 1 - i) * size, i * size];
    if (box === undefined) {
      for (let k = 0; k < size; k++) {
        mixed[to + k] =
          ((data[to + k] as number) * own + (data[from + k] as number) * (parts - own) + parts / 2) >>> 16;
      }
      continue;
    }
    for (let y = box.top; y < box.bottom; y++) {
      const [begin, end] = [(y * width + box.left) * channels, (y * width + box.right) * channels];
      mixed.set(data.subarray(from + begin, from + end), to + begin);
    }
  }
  return tensor("uint8", images.shape, mixed);
}

/** Image examples whose training batches are mixed, as the stream of the batch's epoch and step says. */
export function mixedExamples(images: Examples, config: MixConfig, seed: number): Examples {
  async function* epochOf(epoch: number, from: number): AsyncGenerator<ExampleBatch, void> {
    for await (const batch of images.epoch(epoch, from)) {
      const [, height = 0, width = 0] = batch.rows.shape;
      const mix = drawMix(config, height, width, stream(seed, "mix", epoch, batch.step));
      const second = mix && { labels: batch.labels.toReversed(), share: 1 - mix.share };
      yield mix ? { ...batch, rows: mixImages(batch.rows, mix), second } : batch;
    }
  }
  return { ...images, epoch: epochOf };
}
