import { type FactOptions, factored, isSecond, outerParameters, resolveFact, slicesOf } from "./fact.js";
import { type Method, uniformOf } from "./method.js";

/**
 * FacT-TT: all maps of all blocks, cut into slices `[width, width]`, change by `s U Σᵢ V`; `U` and `V` are shared, each slice
 * has its core. The cores start as PyTorch's linear maps do.
 * @see Jie and Deng, FacT: Factor-Tuning for Lightweight Adaptation on Vision Transformer, 2023
 */
export const factTt: Method<FactOptions> = {
  name: "fact-tt",
  source: "Jie and Deng, FacT: Factor-Tuning for Lightweight Adaptation on Vision Transformer, 2023",
  startsAsIdentity: true,
  folds: true,
  resolve: (a, given) => resolveFact("fact-tt", a, 16, given),
  count: (a, { rank }) => 2 * a.width * rank + a.blocks * slicesOf(a) * rank ** 2,

  parameters(a, { rank }) {
    const slices = slicesOf(a);
    const shape = [a.blocks * slices, rank, rank];
    const second = Array.from({ length: slices }, (_, i) => isSecond(a, i));
    const fan = rank * second.filter(Boolean).length;
    const boundOf = (slice: number): number => (second[slice] ? fan : rank) ** -0.5;
    return [
      ...outerParameters(a, rank),
      {
        name: "fact.cores",
        shape,
        group: "adapter",
        initial: (normal) => uniformOf(shape, 1)(normal).map((z, i) => z * boundOf(Math.floor(i / rank ** 2) % slices)),
      },
    ];
  },

  adapt: (a, o, value) => factored(a, o, value("fact.u"), value("fact.v"), value("fact.cores")),
};
