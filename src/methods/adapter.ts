import { add, scope } from "../graph/index.js";
import type { Branch } from "../vit/site.js";
import { bottleneck, bottleneckCount, bottleneckParameters, quickGelu } from "./bottleneck.js";
import { expectNames, expectWhole } from "./expect.js";
import { type Method, normalOf, xavierOf } from "./method.js";

/** Options of `adapter`. */
export interface AdapterOptions {
  /** Width of the bottleneck. */
  readonly rank: number;
  /** Branches that have one: `mlp` is Pfeiffer's place, `attn` and `mlp` are Houlsby's. */
  readonly sites: readonly Branch["part"][];
}

/**
 * Adapter: the output `y` of a branch becomes `y + σ(y Down + a) Up + b` before it joins the stream; `σ(x) = x / (1 + e^(−1.702 x))`.
 * Size, activation and start (Xavier at both ends, biases from N(0, 1e-12)) are those of visual benchmarks.
 * @see Houlsby et al., Parameter-Efficient Transfer Learning for NLP, 2019
 * @see Pfeiffer et al., AdapterFusion, 2021, for one adapter per block
 * @see Zhang et al., Neural Prompt Search, 2022, for size, activation and start
 */
export const adapter: Method<AdapterOptions> = {
  name: "adapter",
  source: "Houlsby et al., Parameter-Efficient Transfer Learning for NLP, 2019; Pfeiffer et al., AdapterFusion, 2021",
  startsAsIdentity: false,
  folds: false,

  resolve(a, given) {
    const o = { rank: Math.min(8, a.width), sites: ["mlp"] as const, ...given };
    expectWhole("adapter", "rank", o.rank, 1, a.width);
    expectNames("adapter", "sites", o.sites, ["attn", "mlp"]);
    return o;
  },

  count: (a, o) => a.blocks * o.sites.length * bottleneckCount(a.width, o.rank),

  parameters: (a, o) =>
    Array.from({ length: a.blocks }, (_, block) =>
      o.sites.flatMap((part) =>
        bottleneckParameters(`adapter.blocks.${block}.${part}`, a.width, o.rank, {
          down: xavierOf,
          up: xavierOf,
          bias: (shape) => normalOf(shape, 1e-6),
        }),
      ),
    ).flat(),

  adapt: (_, o, value) => ({
    branch: ({ block, part }, { output: y, drop }) =>
      o.sites.includes(part)
        ? scope("adapter", () => add(y, bottleneck(`adapter.blocks.${block}.${part}`, y, quickGelu, value, drop)))
        : y,
  }),
};
