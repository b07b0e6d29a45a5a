import { mul, scalar } from "../graph/index.js";
import { expectNames, expectScale, expectWhole } from "./expect.js";
import { kaimingOf, type Method, zerosOf } from "./method.js";
import { deltaAt, sizesOf, type Target, targets } from "./target.js";

/** Options of `lora`. */
export interface LoraOptions {
  readonly rank: number;
  /** The change is scaled by `alpha / rank`. */
  readonly alpha: number;
  readonly targets: readonly Target[];
}

/**
 * LoRA: `y = x Wᵀ + b + (alpha / rank) (x down) up` at the chosen maps, a pair for each. `down` starts as PyTorch's linear
 * map does, `up` at zero. The default is the one of visual benchmarks: rank 8 on the fused QKV map.
 * @see Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, 2022, eq. 3
 * @see Zhang et al., Neural Prompt Search, 2022, for rank and place
 */
export const lora: Method<LoraOptions> = {
  name: "lora",
  source: "Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, 2022",
  startsAsIdentity: true,
  folds: true,

  resolve(a, given) {
    const o = { rank: Math.min(8, a.width), alpha: 8, targets: ["qkv"] as const, ...given };
    expectWhole("lora", "rank", o.rank, 1, a.width);
    expectScale("lora", "alpha", o.alpha);
    expectNames("lora", "targets", o.targets, targets);
    return o;
  },

  count: (a, o) =>
    a.blocks * o.rank * o.targets.reduce((sum, target) => sum + sizesOf(a, target)[0] + sizesOf(a, target)[1], 0),

  parameters: (a, o) =>
    Array.from({ length: a.blocks }, (_, block) =>
      o.targets.flatMap((target) => {
        const [inputs, outputs] = sizesOf(a, target);
        const [down, up] = [[inputs, o.rank] as const, [o.rank, outputs] as const];
        const name = `lora.blocks.${block}.${target}`;
        return [
          { name: `${name}.down`, shape: down, group: "adapter", initial: kaimingOf(down) },
          { name: `${name}.up`, shape: up, group: "adapter", initial: zerosOf(up) },
        ];
      }),
    ).flat(),

  adapt: (_, o, value) => ({
    delta: (site) =>
      deltaAt(site, o.targets, (target, block) => {
        const up = value(`lora.blocks.${block}.${target}.up`);
        const down = value(`lora.blocks.${block}.${target}.down`);
        return { down, up: o.alpha === o.rank ? up : mul(up, scalar(o.alpha / o.rank, up)) };
      }),
  }),
};
