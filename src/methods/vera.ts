import { stream } from "../data/random.js";
import { constant, mul, tensorOf, type Value } from "../graph/index.js";
import type { Adaptation } from "../vit/site.js";
import { expect, expectNames, expectWhole } from "./expect.js";
import { constantOf, type Method, uniformOf, zerosOf } from "./method.js";
import { deltaAt, type Target } from "./target.js";

/** Options of `vera`. */
export interface VeraOptions {
  readonly rank: number;
  /** First value of the vector between the frozen matrices. */
  readonly start: number;
  /** Of the frozen matrices; the adapter's file keeps it instead of them. */
  readonly seed: number;
  readonly targets: readonly Target[];
}

const known: readonly Target[] = ["q", "k", "v", "proj"];

/**
 * VeRA: `y = x Wᵀ + b + ((x A ⊙ d) B) ⊙ s` at the chosen maps. `A [width, rank]` and `B [rank, width]` are random, frozen and
 * the same everywhere; each map trains the vectors `d`, which starts at 0.1, and `s`, which starts at zero.
 * @see Kopiczko, Blankevoort, Asano, VeRA: Vector-based Random Matrix Adaptation, 2024
 */
export const vera: Method<VeraOptions> = {
  name: "vera",
  source: "Kopiczko, Blankevoort, Asano, VeRA: Vector-based Random Matrix Adaptation, 2024",
  startsAsIdentity: true,
  folds: true,

  resolve(_, given) {
    const o = { rank: 256, start: 0.1, seed: 0, targets: ["q", "v"] as const, ...given };
    expectWhole("vera", "rank", o.rank, 1, 4096);
    expectWhole("vera", "seed", o.seed, 0, 2 ** 32 - 1);
    expect("vera", "start", o.start, Number.isFinite(o.start) && o.start !== 0, "a number other than 0");
    expectNames("vera", "targets", o.targets, known);
    return o;
  },

  count: (a, o) => a.blocks * o.targets.length * (a.width + o.rank),

  parameters: (a, o) =>
    Array.from({ length: a.blocks }, (_, block) =>
      o.targets.flatMap((target) => [
        {
          name: `vera.blocks.${block}.${target}.inner`,
          shape: [o.rank],
          group: "adapter",
          initial: constantOf([o.rank], o.start),
        },
        {
          name: `vera.blocks.${block}.${target}.outer`,
          shape: [a.width],
          group: "adapter",
          initial: zerosOf([a.width]),
        },
      ]),
    ).flat(),

  adapt(a, o, value) {
    const { dtype } = value(`vera.blocks.0.${o.targets[0]}.inner`);
    // Kaiming's uniform distribution: ±√(6 / in).
    const frozen = (name: string, shape: readonly [number, number]): Value =>
      constant(tensorOf(dtype, shape, uniformOf(shape, Math.sqrt(6 / shape[0]))(stream(o.seed, name).normal)));
    const down = frozen("vera.down", [a.width, o.rank]);
    const up = frozen("vera.up", [o.rank, a.width]);
    return veraAround(down, up, o.targets, value);
  },
};

/**
 * The adaptation around two frozen matrices.
 * @param down `A`, `[width, rank]`
 * @param up `B`, `[rank, width]`
 */
export const veraAround = (
  down: Value,
  up: Value,
  chosen: readonly Target[],
  value: (name: string) => Value,
): Adaptation => ({
  delta: (site) =>
    deltaAt(site, chosen, (target, block) => ({
      down: mul(down, value(`vera.blocks.${block}.${target}.inner`)),
      up: mul(up, value(`vera.blocks.${block}.${target}.outer`)),
    })),
});
