import {
  add,
  concat,
  filled,
  gemm,
  mul,
  reshape,
  type Shape,
  scalar,
  scope,
  split,
  type Value,
} from "../graph/index.js";
import { type Architecture, gridOf, prefixTokensOf } from "../vit/architecture.js";
import { quickGelu } from "./bottleneck.js";
import { expectScale, expectWhole } from "./expect.js";
import { type Method, type MethodParameter, xavierOf, zerosOf } from "./method.js";

/** Options of `convpass`. */
export interface ConvpassOptions {
  /** Channels `r` of the convolution. */
  readonly rank: number;
  /** Scale `s` of the bypass. */
  readonly scale: number;
}

const parts = ["attn", "mlp"] as const;

/**
 * Convpass: beside both branches, from the normed stream, `y + s (σ(Conv(σ(x Down + a))) Up + b)`, a 3 × 3 convolution over the
 * grid of patches; every other token is a grid of its own. `Down` starts with Xavier's distribution, the convolution as
 * the identity, everything else at zero; `σ(x) = x / (1 + e^(−1.702 x))`.
 * @see Jie and Deng, Convolutional Bypasses Are Better Vision Transformer Adapters, 2022
 */
export const convpass: Method<ConvpassOptions> = {
  name: "convpass",
  source: "Jie and Deng, Convolutional Bypasses Are Better Vision Transformer Adapters, 2022",
  startsAsIdentity: true,
  folds: false,

  resolve(a, given) {
    const o = { rank: Math.min(8, a.width), scale: 1, ...given };
    expectWhole("convpass", "rank", o.rank, 1, a.width);
    expectScale("convpass", "scale", o.scale);
    return o;
  },

  count: (a, { rank }) => 2 * a.blocks * (2 * a.width * rank + 9 * rank ** 2 + 2 * rank + a.width),

  parameters: ({ width, blocks }, { rank }) =>
    Array.from({ length: blocks }, (_, block) =>
      parts.flatMap((part): MethodParameter[] => {
        const [name, group] = [`convpass.blocks.${block}.${part}`, "adapter"];
        const taps = [9, rank, rank];
        // The tap in the middle is the unit matrix.
        const identity = (): Float64Array =>
          zerosOf(taps)().map((_, i) => Number(Math.floor(i / rank ** 2) === 4 && (i % rank ** 2) % (rank + 1) === 0));
        return [
          { name: `${name}.down.weight`, shape: [width, rank], group, initial: xavierOf([width, rank]) },
          { name: `${name}.down.bias`, shape: [rank], group, initial: zerosOf([rank]) },
          { name: `${name}.conv.weight`, shape: taps, group, initial: identity },
          { name: `${name}.conv.bias`, shape: [rank], group, initial: zerosOf([rank]) },
          { name: `${name}.up.weight`, shape: [rank, width], group, initial: zerosOf([rank, width]) },
          { name: `${name}.up.bias`, shape: [width], group, initial: zerosOf([width]) },
        ];
      }),
    ).flat(),

  adapt: (a, { rank, scale }, value) => ({
    branch: ({ block, part, tokens }, { normed, output, drop }) =>
      scope("adapter", () => {
        const of = (name: string): Value => value(`convpass.blocks.${block}.${part}.${name}`);
        const inner = quickGelu(gemm(normed(), of("down.weight"), { bias: of("down.bias") }));
        const taps = reshape(of("conv.weight"), [9 * rank, rank]);
        const convolved = gemm(windows(a, inner, tokens), taps, { bias: of("conv.bias") });
        const beside = gemm(drop(quickGelu(convolved)), of("up.weight"), { bias: of("up.bias") });
        return add(output, scale === 1 ? beside : mul(beside, scalar(scale, beside)));
      }),
  }),
};

/** Every token beside its eight neighbours on the grid, `[rows, r] → [rows, 9 r]`; zero where there is none. */
function windows(a: Architecture, x: Value, tokens: number): Value {
  const [rows, rank] = x.shape as readonly [number, number];
  const batch = rows / tokens;
  const [height, width] = gridOf(a);
  const zeros = (shape: Shape): Value => filled(shape, 0, x);
  /** Tokens that are no patches: each a grid of its own. */
  const alone = (singles: Value): Value => {
    const around = zeros([batch, singles.shape[1] as number, 4 * rank]);
    return concat([around, singles, around], 2);
  };
  const all = reshape(x, [batch, tokens, rank]);
  if (tokens === 1) return reshape(alone(all), [rows, 9 * rank]);
  const prefix = prefixTokensOf(a);
  const [first, rest] = prefix > 0 ? (split(all, 1, [prefix, tokens - prefix]) as [Value, Value]) : [undefined, all];
  const grid = reshape(rest, [batch, height, width, rank]);
  const wide = concat([zeros([batch, height, 1, rank]), grid, zeros([batch, height, 1, rank])], 2);
  const framed = concat([zeros([batch, 1, width + 2, rank]), wide, zeros([batch, 1, width + 2, rank])], 1);
  /** `size` elements from `start` along an axis that has two more. */
  const slide = (y: Value, axis: number, start: number, size: number): Value => {
    const sizes = [start, size, 2 - start].filter((n) => n > 0);
    return split(y, axis, sizes)[start > 0 ? 1 : 0] as Value;
  };
  const shifts = [0, 1, 2].flatMap((row) =>
    [0, 1, 2].map((column) => slide(slide(framed, 1, row, height), 2, column, width)),
  );
  const patches = reshape(concat(shifts, 3), [batch, height * width, 9 * rank]);
  return reshape(first ? concat([alone(first), patches], 1) : patches, [rows, 9 * rank]);
}
