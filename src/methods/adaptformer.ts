import { add, min, mul, scalar, scope, sub, type Value } from "../graph/index.js";
import { bottleneck, bottleneckCount, bottleneckParameters } from "./bottleneck.js";
import { expectScale, expectWhole } from "./expect.js";
import { kaimingOf, type Method, zerosOf } from "./method.js";

/** Options of `adaptformer`. */
export interface AdaptformerOptions {
  /** Width of the bottleneck. */
  readonly rank: number;
  /** Scale `s` of the parallel branch. */
  readonly scale: number;
}

/**
 * AdaptFormer: beside the MLP, from the stream `x` before its norm, `y + s (ReLU(x Down + a) Up + b)`. `Down` starts as
 * Kaiming's uniform distribution has it, everything else at zero.
 * @see Chen et al., AdaptFormer: Adapting Vision Transformers for Scalable Visual Recognition, 2022
 */
export const adaptformer: Method<AdaptformerOptions> = {
  name: "adaptformer",
  source: "Chen et al., AdaptFormer: Adapting Vision Transformers for Scalable Visual Recognition, 2022",
  startsAsIdentity: true,
  folds: false,

  resolve(a, given) {
    const o = { rank: Math.min(8, a.width), scale: 0.1, ...given };
    expectWhole("adaptformer", "rank", o.rank, 1, a.width);
    expectScale("adaptformer", "scale", o.scale);
    return o;
  },

  count: (a, { rank }) => a.blocks * bottleneckCount(a.width, rank),

  parameters: (a, { rank }) =>
    Array.from({ length: a.blocks }, (_, block) =>
      bottleneckParameters(`adaptformer.blocks.${block}`, a.width, rank, {
        down: kaimingOf,
        up: zerosOf,
        bias: zerosOf,
      }),
    ).flat(),

  adapt: (_, { scale }, value) => ({
    branch({ block, part }, { stream, output, drop }) {
      if (part === "attn") return output;
      const beside = scope("adapter", () => bottleneck(`adaptformer.blocks.${block}`, stream, relu, value, drop));
      return add(output, mul(beside, scalar(scale, beside)));
    },
  }),
};

/** `max(x, 0)`; at 0 the gradient is 0. */
const relu = (x: Value): Value => sub(x, min(x, scalar(0, x)));
