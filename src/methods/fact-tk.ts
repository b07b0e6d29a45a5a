import { gemm, reshape } from "../graph/index.js";
import { type FactOptions, factored, outerParameters, resolveFact, slicesOf } from "./fact.js";
import { type Method, uniformOf, xavierOf } from "./method.js";

/**
 * FacT-TK: as FacT-TT, but the core of a slice is a mixture of shared ones, `Σᵢ = Σₖ Pᵢₖ Cₖ`. `P` and `C` start with Xavier's
 * uniform distribution. The authors' code reads the mixed cores of the MLP in another order of memory and transposes those of
 * its second map; here each slice has a core of its own, as the equation says.
 * @see Jie and Deng, FacT: Factor-Tuning for Lightweight Adaptation on Vision Transformer, 2023
 */
export const factTk: Method<FactOptions> = {
  name: "fact-tk",
  source: "Jie and Deng, FacT: Factor-Tuning for Lightweight Adaptation on Vision Transformer, 2023",
  startsAsIdentity: true,
  folds: true,
  resolve: (a, given) => resolveFact("fact-tk", a, 32, given),
  count: (a, { rank }) => 2 * a.width * rank + a.blocks * slicesOf(a) * rank + rank ** 3,

  parameters(a, { rank }) {
    const mixture = [a.blocks * slicesOf(a), rank] as const;
    const cores = [rank, rank, rank];
    return [
      ...outerParameters(a, rank),
      { name: "fact.mixture", shape: mixture, group: "adapter", initial: xavierOf(mixture) },
      // Xavier of a tensor of three axes: in and out are both rank².
      { name: "fact.cores", shape: cores, group: "adapter", initial: uniformOf(cores, Math.sqrt(3) / rank) },
    ];
  },

  adapt(a, o, value) {
    const { rank } = o;
    const cores = gemm(value("fact.mixture"), reshape(value("fact.cores"), [rank, rank * rank]));
    const each = reshape(cores, [a.blocks * slicesOf(a), rank, rank]);
    return factored(a, o, value("fact.u"), value("fact.v"), each);
  },
};
