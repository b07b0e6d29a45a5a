import { mul, scalar, type Value } from "../graph/index.js";
import { expectNames, expectScale, expectWhole } from "./expect.js";
import { kaimingOf, type Method, type MethodParameter, zerosOf } from "./method.js";
import { deltaAt, shiftAt, sizesOf, type Target, targets } from "./target.js";

/** Options of `lora`. */
export interface LoraOptions {
  readonly rank: number;
  /** The change is scaled by `alpha / rank`. */
  readonly alpha: number;
  readonly targets: readonly Target[];
  /** Trains a bias of `up` too, which is scaled as the change is. */
  readonly bias: boolean;
}

/**
 * LoRA: `y = x Wᵀ + b + (alpha / rank) ((x down) up + bias)` at the chosen maps, a pair for each, the bias only where it is
 * asked for (PEFT's `lora_bias`). `down` starts as PyTorch's linear map does, `up` and the bias at zero. The default is the one of visual benchmarks: rank 8 on the fused QKV map.
 * @see Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, 2022, eq. 3
 * @see Zhang et al., Neural Prompt Search, 2022, for rank and place
 */
export const lora: Method<LoraOptions> = {
  name: "lora",
  source: "Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, 2022",
  startsAsIdentity: true,
  folds: true,

  resolve(a, given) {
    const o = { rank: Math.min(8, a.width), alpha: 8, targets: ["qkv"] as const, bias: false, ...given };
    expectWhole("lora", "rank", o.rank, 1, a.width);
    expectScale("lora", "alpha", o.alpha);
    expectNames("lora", "targets", o.targets, targets);
    return o;
  },

  count: (a, o) =>
    o.targets
      .map((target) => sizesOf(a, target))
      .reduce((sum, [inputs, outputs]) => sum + a.blocks * (o.rank * (inputs + outputs) + (o.bias ? outputs : 0)), 0),

  parameters: (a, o) =>
    Array.from({ length: a.blocks }, (_, block) =>
      o.targets.flatMap((target): MethodParameter[] => {
        const [inputs, outputs] = sizesOf(a, target);
        const [down, up] = [[inputs, o.rank] as const, [o.rank, outputs] as const];
        const name = `lora.blocks.${block}.${target}`;
        return [
          { name: `${name}.down`, shape: down, group: "adapter", initial: kaimingOf(down) },
          { name: `${name}.up`, shape: up, group: "adapter", initial: zerosOf(up) },
          ...(o.bias
            ? [{ name: `${name}.bias`, shape: [outputs], group: "adapter", initial: zerosOf([outputs]) }]
            : []),
        ];
      }),
    ).flat(),

  adapt(_, o, value) {
    const scaled = (x: Value): Value => (o.alpha === o.rank ? x : mul(x, scalar(o.alpha / o.rank, x)));
    return {
      delta: (site) =>
        deltaAt(site, o.targets, (target, block) => {
          const name = `lora.blocks.${block}.${target}`;
          return { down: value(`${name}.down`), up: scaled(value(`${name}.up`)) };
        }),
      output(name) {
        const shift = o.bias
          ? shiftAt(name, o.targets, (target, block) => value(`lora.blocks.${block}.${target}.bias`))
          : undefined;
        return shift && { shift: scaled(shift) };
      },
    };
  },
};
