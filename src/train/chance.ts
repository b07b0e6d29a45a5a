import { type Stream, stream } from "../data/random.js";
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
          const random = stream(o.seed, "mask", o.epoch, o.step, from + row, name);
          decide(data.subarray(row * count, (row + 1) * count), keep, random);
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

/** Fills `data` with ones and zeros; `keep` is a whole number of 65536ths. A byte decides, a second one where the first is a tie. */
function decide(data: Uint8Array, keep: number, random: Stream): void {
  const limit = keep * 0x10000;
  const [high, low] = [limit >>> 8, limit & 0xff];
  const words = new Uint32Array(Math.ceil(data.length / 4));
  random.fill(words);
  for (let i = 0; i < data.length; i++) {
    const byte = ((words[i >>> 2] as number) >>> (8 * (i & 3))) & 0xff;
    data[i] = Number(byte < high || (byte === high && (random.word() & 0xff) < low));
  }
}
