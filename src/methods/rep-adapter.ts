import { add, gemm, mul, reshape, scalar, split, type Value } from "../graph/index.js";
import { branchEntries } from "../vit/site.js";
import { onDiagonal } from "./diagonal.js";
import { expect, expectScale, expectWhole } from "./expect.js";
import { type Method, type MethodParameter, xavierOf, zerosOf } from "./method.js";

/** Options of `rep-adapter`. */
export interface RepAdapterOptions {
  readonly rank: number;
  /** Blocks along the diagonal of `Up`; they divide rank and width. */
  readonly groups: number;
  /** Scale `s` of the adapter. */
  readonly scale: number;
}

/**
 * RepAdapter: `x′ = x + s ((x Down + a) Up + b)` before the QKV map and before the MLP, where `Up` is made of `groups` blocks
 * along its diagonal. `Down` starts with Xavier's distribution, everything else at zero.
 * @see Luo et al., Towards Efficient Visual Adaption via Structural Re-parameterization, 2023
 */
export const repAdapter: Method<RepAdapterOptions> = {
  name: "rep-adapter",
  source: "Luo et al., Towards Efficient Visual Adaption via Structural Re-parameterization, 2023",
  startsAsIdentity: true,
  folds: true,

  resolve(a, given) {
    const o = { rank: Math.min(8, a.width), groups: 2, scale: 1, ...given };
    expectWhole("rep-adapter", "rank", o.rank, 1, a.width);
    const divides = Number.isInteger(o.groups) && o.groups > 0 && o.rank % o.groups === 0 && a.width % o.groups === 0;
    expect(
      "rep-adapter",
      "groups",
      o.groups,
      divides,
      `a divisor of the rank, ${o.rank}, and of the width, ${a.width}`,
    );
    expectScale("rep-adapter", "scale", o.scale);
    return o;
  },

  count: ({ width, blocks }, { rank, groups }) => 2 * blocks * (width * rank + rank + (width * rank) / groups + width),

  parameters: ({ width, blocks }, { rank, groups }) =>
    Array.from({ length: blocks }, (_, block) =>
      Object.keys(branchEntries).flatMap((site): MethodParameter[] => {
        const [name, group] = [`rep.blocks.${block}.${site}`, "adapter"];
        const up = [groups, rank / groups, width / groups];
        return [
          { name: `${name}.down.weight`, shape: [width, rank], group, initial: xavierOf([width, rank]) },
          { name: `${name}.down.bias`, shape: [rank], group, initial: zerosOf([rank]) },
          { name: `${name}.up.weight`, shape: up, group, initial: zerosOf(up) },
          { name: `${name}.up.bias`, shape: [width], group, initial: zerosOf([width]) },
        ];
      }),
    ).flat(),

  adapt: ({ width }, { rank, scale }, value) => ({
    input({ block, place }) {
      const site = Object.entries(branchEntries).find(([, found]) => found === place)?.[0];
      if (!site) return undefined;
      const name = `rep.blocks.${block}.${site}`;
      const scaled = (x: Value): Value => (scale === 1 ? x : mul(x, scalar(scale, x)));
      const up = scaled(onDiagonal(blocksOf(value(`${name}.up.weight`))));
      const [down, bias] = [value(`${name}.down.weight`), value(`${name}.down.bias`)];
      const carried = reshape(gemm(reshape(bias, [1, rank]), up), [width]);
      const last = scaled(value(`${name}.up.bias`));
      return { down, up, shift: add(carried, last), dropout: { down, up, bias, shift: last } };
    },
  }),
};

/** Blocks `[groups, m, n]` one by one. */
function blocksOf(blocks: Value): Value[] {
  const [groups, m, n] = blocks.shape as readonly [number, number, number];
  return split(blocks, 0, new Array<number>(groups).fill(1)).map((block) => reshape(block, [m, n]));
}
