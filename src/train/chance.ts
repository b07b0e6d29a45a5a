import { stream } from "../data/random.js";
import { elementCount, type Tensor, tensor } from "../graph/tensor.js";
import type { MethodParameter } from "../methods/method.js";
import type { Mask } from "../vit/drop.js";
import type { Tensors } from "./checkpoint.js";

/** What is random in one update. Nothing depends on what was drawn before, on lanes, or on how the batch is cut. */
export interface Chance {
  /** The masks for `real` images from image `from` of the batch on, by the names of their inputs; rows that only fill up are zero. */
  masks(from: number, real: number): Tensors;
  /** What is added to the gradient, by the names of the inputs; empty where nothing is. */
  noise(): Tensors;
}

/** Which update it is, and what of it is random. */
export interface ChanceOptions {
  readonly seed: number;
  readonly epoch: number;
  /** Place of the batch in its epoch. */
  readonly step: number;
  /** Updates before this one. */
  readonly updates: number;
  readonly masks: readonly Mask[];
  /** Images per run of the graph. */
  readonly microBatch: number;
  readonly parameters: readonly MethodParameter[];
  /** η of the gradient's noise; 0 for none. */
  readonly gradientNoise: number;
}

/**
 * The random numbers of one update. A mask has a stream for each place in the network and each image of the batch. The
 * noise has variance `η / (1 + t)^0.55` at update `t = 0, 1, …`.
 * @see Neelakantan et al., Adding Gradient Noise Improves Learning for Very Deep Networks, 2015, equation 1
 */
export const chanceOf = (o: ChanceOptions): Chance => ({
  masks: (from, real) =>
    Object.fromEntries(
      o.masks.map(({ name, count, keep }) => {
        const data = new Uint8Array(o.microBatch * count);
        for (let row = 0; row < real; row++) {
          const { word } = stream(o.seed, "mask", o.epoch, o.step, from + row, name);
          decide(data.subarray(row * count, (row + 1) * count), keep, word);
        }
        return [`masks/${name}`, tensor("uint8", [o.microBatch, count], data)];
      }),
    ),
  noise() {
    if (o.gradientNoise === 0) return {};
    const deviation = Math.sqrt(o.gradientNoise / (1 + o.updates) ** 0.55);
    const drawn = ({ name, shape }: MethodParameter): Tensor => {
      const { normal } = stream(o.seed, "gradient noise", o.updates, name);
      return tensor(
        "float32",
        shape,
        Float32Array.from({ length: elementCount(shape) }, () => deviation * normal()),
      );
    };
    return Object.fromEntries(o.parameters.map((parameter) => [`noise/${parameter.name}`, drawn(parameter)]));
  },
});

/** Fills `data` with ones and zeros, two for each random word; `keep` is a whole number of 65536ths. */
function decide(data: Uint8Array, keep: number, word: () => number): void {
  const limit = keep * 0x10000;
  for (let i = 0; i < data.length; i += 2) {
    const bits = word();
    data[i] = Number((bits & 0xffff) < limit);
    if (i + 1 < data.length) data[i + 1] = Number(bits >>> 16 < limit);
  }
}
