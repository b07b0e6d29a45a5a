import { add, concat, gemm, mul, type Value } from "../graph/index.js";
import { modulesOf } from "../vit/architecture.js";
import { type Method, type MethodParameter, normalOf, uniformOf, zerosOf } from "./method.js";

/** Square parts of a map's kernel that have vectors of their own: QKV is three maps. */
const partsOf = (map: string): readonly string[] =>
  map.endsWith("qkv") ? ["q", "k", "v"].map((part) => `${map}.${part}`) : [map];

/**
 * RLRR: `W′ = W + W ⊙ (l rᵀ)` and `b′ = b + f` for every linear map of the blocks (q, k and v apart), and `y ⊙ scale + shift`
 * behind the norms and the patch embedding. `l` and `r` start with Kaiming's uniform distribution, `±√6` and `±√(6 / in)`, so
 * the start is not the identity; `f` starts at zero, scale and shift as in SSF.
 * @see Dong et al., Low-Rank Rescaled Vision Transformer Fine-Tuning: A Residual Design Approach, 2024
 */
export const rlrr: Method<Record<string, never>> = {
  name: "rlrr",
  source: "Dong et al., Low-Rank Rescaled Vision Transformer Fine-Tuning: A Residual Design Approach, 2024",
  startsAsIdentity: false,
  folds: true,
  resolve: () => ({}),
  count: ({ width, hidden, blocks, hasPreNorm }) =>
    blocks * (15 * width + 3 * hidden) + 2 * width * (2 * blocks + (hasPreNorm ? 3 : 2)),

  parameters: (a) =>
    modulesOf(a).flatMap(({ name, outputs, inputs }): MethodParameter[] => {
      const group = "adapter";
      const shift = `rlrr.${name}.shift`;
      if (!isMap(name)) {
        const initial: MethodParameter["initial"] = (normal) => normalOf([outputs], 0.02)(normal).map((z) => 1 + z);
        return [
          { name: `rlrr.${name}.scale`, shape: [outputs], group, initial },
          { name: shift, shape: [outputs], group, initial: normalOf([outputs], 0.02) },
        ];
      }
      const parts = partsOf(name);
      return [
        ...parts.flatMap((part): MethodParameter[] => {
          const [left, right] = [
            [outputs / parts.length, 1],
            [1, inputs],
          ] as const;
          return [
            { name: `rlrr.${part}.left`, shape: left, group, initial: uniformOf(left, Math.sqrt(6)) },
            { name: `rlrr.${part}.right`, shape: right, group, initial: uniformOf(right, Math.sqrt(6 / inputs)) },
          ];
        }),
        { name: shift, shape: [outputs], group, initial: zerosOf([outputs]) },
      ];
    }),

  adapt: (_, __, value) => ({
    tensor(name, frozen): Value | undefined {
      const map = name.replace(/\.weight$/, "");
      if (map === name || !isMap(map)) return undefined;
      const scales = partsOf(map).map((part) => gemm(value(`rlrr.${part}.left`), value(`rlrr.${part}.right`)));
      return add(frozen, mul(frozen, concat(scales, 0)));
    },
    output: (name) => ({
      ...(!isMap(name) && { scale: value(`rlrr.${name}.scale`) }),
      shift: value(`rlrr.${name}.shift`),
    }),
  }),
};

/** True for a linear map of a block. */
const isMap = (name: string): boolean => /^blocks\.\d+\.(attn|mlp)\.\w+$/.test(name);
