import { concat, matmul, mul, reshape, scalar, split, type Value } from "../graph/index.js";
import type { Architecture } from "../vit/architecture.js";
import type { Adaptation, Delta } from "../vit/site.js";
import { onDiagonal } from "./diagonal.js";
import { expectScale, expectWhole } from "./expect.js";
import { kaimingOf, type MethodParameter, zerosOf } from "./method.js";

/** Options of both factorisations. */
export interface FactOptions {
  readonly rank: number;
  /** Scale `s` of the change. */
  readonly scale: number;
}

/** Slices that a map of the MLP is cut into; where `hidden` is no multiple of `width` the last one is narrower. */
const mlpSlices = (a: Architecture): number => Math.ceil(a.hidden / a.width);

/** Slices `[width, width]` of a block: q, k, v, the projection, and those of the two maps of the MLP. */
export const slicesOf = (a: Architecture): number => 4 + 2 * mlpSlices(a);

/** True for a slice of the second map of the MLP. */
export const isSecond = (a: Architecture, slice: number): boolean => slice >= 4 + mlpSlices(a);

/** Options with the defaults filled in and checked. */
export function resolveFact(name: string, a: Architecture, rank: number, given: Partial<FactOptions>): FactOptions {
  const o = { rank: Math.min(rank, a.width), scale: 1, ...given };
  expectWhole(name, "rank", o.rank, 1, a.width);
  expectScale(name, "scale", o.scale);
  return o;
}

/** The factors that all slices share: `U` starts as PyTorch's linear map does, `V` at zero. */
export const outerParameters = ({ width }: Architecture, rank: number): MethodParameter[] => [
  { name: "fact.u", shape: [width, rank], group: "adapter", initial: kaimingOf([width, rank]) },
  { name: "fact.v", shape: [rank, width], group: "adapter", initial: zerosOf([rank, width]) },
];

/**
 * The adaptation that changes slice `i` of all linear maps by `s U Σᵢ V`. Dropout acts between `Σᵢ` and `V`, as published.
 * @param u `[width, rank]`
 * @param v `[rank, width]`
 * @param cores `Σ`, `[blocks · slices, rank, rank]`
 * @see Jie and Deng, FacT: Factor-Tuning for Lightweight Adaptation on Vision Transformer, 2023
 */
export function factored(a: Architecture, { rank, scale }: FactOptions, u: Value, v: Value, cores: Value): Adaptation {
  const slices = slicesOf(a);
  const pieces = mlpSlices(a);
  const sizes = Array.from({ length: pieces }, (_, i) => Math.min(a.width, a.hidden - i * a.width));
  const scaled = scale === 1 ? v : mul(v, scalar(scale, v));
  const all = split(cores, 0, new Array<number>(a.blocks * slices).fill(1)).map((core) => reshape(core, [rank, rank]));
  /** The first columns or rows of a factor, for a slice that is narrower. */
  const cut = (x: Value, axis: number, size: number): Value =>
    size === a.width ? x : (split(x, axis, [size, a.width - size])[0] as Value);
  return {
    delta({ block, place }): Delta {
      const core = (slice: number): Value => all[block * slices + slice] as Value;
      /** Slices side by side, the first being `from`, each with as many outputs as its `V` has columns. */
      const beside = (from: number, outer: readonly Value[]): Delta => ({
        down: u,
        up: concat(
          outer.map((v, i) => matmul(core(from + i), v)),
          1,
        ),
        dropout: {
          down: concat(
            outer.map((_, i) => matmul(u, core(from + i))),
            1,
          ),
          up: onDiagonal(outer),
        },
      });
      if (place === "attn.qkv") return beside(0, [scaled, scaled, scaled]);
      if (place === "attn.proj") {
        return { down: u, up: matmul(core(3), scaled), dropout: { down: matmul(u, core(3)), up: scaled } };
      }
      if (place === "mlp.fc1") {
        return beside(
          4,
          sizes.map((size) => cut(scaled, 1, size)),
        );
      }
      const downs = sizes.map((size, i) => matmul(cut(u, 0, size), core(4 + pieces + i)));
      const down = concat(downs, 0);
      return { down, up: scaled, dropout: { down, up: scaled } };
    },
  };
}
