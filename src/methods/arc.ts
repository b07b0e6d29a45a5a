import { mul, transpose, type Value } from "../graph/index.js";
import { branchEntries, type Place } from "../vit/site.js";
import { expectWhole } from "./expect.js";
import { type Method, type MethodParameter, xavierOf, zerosOf } from "./method.js";

/** Options of `arc`. */
export interface ArcOptions {
  readonly rank: number;
}

/**
 * ARC: `x′ = x + (x (D ⊙ c)) Dᵀ + b` before the QKV map and before the MLP. `D [width, rank]` is shared by all blocks, one for
 * each of the two places; a block has the coefficients `c` and the bias `b`. `D` starts with Xavier's distribution, `b` at
 * zero, `c` at zero for attention and with Xavier's distribution for the MLP: so the start is not the identity.
 * @see Dong et al., Efficient Adaptation of Large Vision Transformer via Adapter Re-Composing, 2023
 */
export const arc: Method<ArcOptions> = {
  name: "arc",
  source: "Dong et al., Efficient Adaptation of Large Vision Transformer via Adapter Re-Composing, 2023",
  startsAsIdentity: false,
  folds: true,

  resolve(a, given) {
    const o = { rank: Math.min(50, a.width), ...given };
    expectWhole("arc", "rank", o.rank, 1, a.width);
    return o;
  },

  count: (a, { rank }) => 2 * a.width * rank + 2 * a.blocks * (rank + a.width),

  parameters: (a, { rank }) =>
    Object.keys(branchEntries).flatMap((site): MethodParameter[] => [
      { name: `arc.${site}.down`, shape: [a.width, rank], group: "adapter", initial: xavierOf([a.width, rank]) },
      ...Array.from({ length: a.blocks }, (_, block): MethodParameter[] => [
        {
          name: `arc.blocks.${block}.${site}.scale`,
          shape: [rank],
          group: "adapter",
          initial: site === "attn" ? zerosOf([rank]) : xavierOf([1, rank]),
        },
        { name: `arc.blocks.${block}.${site}.shift`, shape: [a.width], group: "adapter", initial: zerosOf([a.width]) },
      ]).flat(),
    ]),

  adapt(_, __, value) {
    const ups = new Map(
      Object.entries(branchEntries).map(([site, place]): [Place, { site: string; up: Value }] => [
        place,
        { site, up: transpose(value(`arc.${site}.down`), [1, 0]) },
      ]),
    );
    return {
      input({ block, place }) {
        const found = ups.get(place);
        if (!found) return undefined;
        const { site, up } = found;
        const down = mul(value(`arc.${site}.down`), value(`arc.blocks.${block}.${site}.scale`));
        const shift = value(`arc.blocks.${block}.${site}.shift`);
        return { down, up, shift, dropout: { down, up, shift } };
      },
    };
  },
};
