import { cast, input, mul, reshape, scalar, type Value } from "../graph/index.js";

/** A random mask that a training graph takes: its input `masks/<name>`, `uint8 [batch, count]` of zeros and ones. */
export interface Mask {
  readonly name: string;
  /** Decisions per image. */
  readonly count: number;
  /** Probability that a decision is 1, a whole number of 65536ths. */
  readonly keep: number;
}

/** What a network leaves out at random while it is trained. */
export interface Drop {
  /** `x` with single elements zero and the others larger. @param x rows image by image @param place unique in the network */
  readonly dropout?: (x: Value, place: string) => Value;
  /** What a branch of a block adds, `[rows, width]`, with all of it zero for some images and larger for the others. */
  readonly path?: (added: Value, place: string, block: number) => Value;
}

/** Shares that are left out, and the network they are left out of. */
export interface DropOptions {
  readonly batch: number;
  readonly blocks: number;
  /** Share of an adapter's activations. */
  readonly dropout: number;
  /** Share of images that skip a branch of the last block. */
  readonly dropPath: number;
}

/**
 * What leaves out at random, and the masks that it has asked for so far. A value that stays is divided by the probability
 * of staying, so nothing changes on average. Dropout zeroes elements; drop path zeroes a whole branch for an image, block
 * `i` of `L` (from 0) with probability `dropPath · i/(L − 1)`.
 * @see Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from Overfitting, 2014
 * @see Huang et al., Deep Networks with Stochastic Depth, 2016; the linear rule from 0 is timm's `drop_path_rate`
 */
export function dropping({
  batch,
  blocks,
  dropout,
  dropPath,
}: DropOptions): Drop & { readonly masks: readonly Mask[] } {
  const masks: Mask[] = [];
  const mask = (x: Value, name: string, count: number, rate: number): Value => {
    const keep = keepOf(rate);
    masks.push({ name, count, keep });
    return mul(cast(input(`masks/${name}`, [batch, count], "uint8"), x.dtype), scalar(1 / keep, x));
  };
  return {
    masks,
    ...(dropout > 0 && {
      dropout(x, place) {
        const count = x.shape.reduce((a, b) => a * b, 1) / batch;
        return mul(x, reshape(mask(x, `dropout/${place}`, count, dropout), x.shape));
      },
    }),
    ...(dropPath > 0 && {
      path(added, place, block) {
        const rate = blocks > 1 ? (dropPath * block) / (blocks - 1) : 0;
        if (rate === 0) return added;
        const [rows, width] = added.shape as readonly [number, number];
        const perImage = reshape(mask(added, `path/${place}`, 1, rate), [batch, 1, 1]);
        return reshape(mul(reshape(added, [batch, rows / batch, width]), perImage), [rows, width]);
      },
    }),
  };
}

/** The probability of staying, rounded to what half a random word can decide, so that the average is exact. */
const keepOf = (rate: number): number => Math.max(1, Math.round((1 - rate) * 0x10000)) / 0x10000;
