import { gelu, gemm, type Value } from "../graph/index.js";
import { type MethodParameter, normalOf, zerosOf } from "./method.js";

/** Sizes of a hyper-network `H: R^embedding → R^outputs`. */
export interface HyperNetwork {
  readonly embedding: number;
  /** Hidden width; 0 for none. */
  readonly hidden: number;
  readonly outputs: number;
}

/** Numbers in the hyper-network: `e·n` without a hidden layer, `e·h + h + h·n + n` with one. */
export const hyperNetworkCount = ({ embedding: e, hidden: h, outputs: n }: HyperNetwork): number =>
  h === 0 ? e * n : e * h + h + h * n + n;

/**
 * Its tensors: `C` without a hidden layer; `A`, `a₀`, `C`, `c` with one. `A ~ N(0, 1/e)`, the biases start at zero.
 * @param deviationOf standard deviation of the first values in each column of `C`
 */
export function hyperNetworkParameters(
  prefix: string,
  { embedding, hidden, outputs }: HyperNetwork,
  deviationOf: (column: number) => number,
): MethodParameter[] {
  const group = "specific";
  const rows = hidden === 0 ? embedding : hidden;
  const weight: MethodParameter = {
    name: `${prefix}.weight`,
    shape: [rows, outputs],
    group,
    initial: (normal) => Float64Array.from({ length: rows * outputs }, (_, i) => deviationOf(i % outputs) * normal()),
  };
  if (hidden === 0) return [weight];
  return [
    {
      name: `${prefix}.hidden.weight`,
      shape: [embedding, hidden],
      group,
      initial: normalOf([embedding, hidden], embedding ** -0.5),
    },
    { name: `${prefix}.hidden.bias`, shape: [hidden], group, initial: zerosOf([hidden]) },
    weight,
    { name: `${prefix}.bias`, shape: [outputs], group, initial: zerosOf([outputs]) },
  ];
}

/**
 * `H(z) = z C`, or `GELU(z A + a₀) C + c` with a hidden layer, for all blocks at once.
 * @param z embeddings `[blocks, embedding]`
 * @returns `[blocks, outputs]`
 * @see Ha, Dai, Le, HyperNetworks, 2017
 */
export function generate(prefix: string, hidden: number, z: Value, value: (name: string) => Value): Value {
  if (hidden === 0) return gemm(z, value(`${prefix}.weight`));
  const inner = gelu(gemm(z, value(`${prefix}.hidden.weight`), { bias: value(`${prefix}.hidden.bias`) }));
  return gemm(inner, value(`${prefix}.weight`), { bias: value(`${prefix}.bias`) });
}
