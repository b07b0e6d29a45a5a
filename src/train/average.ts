import { type Tensor, tensor } from "../graph/tensor.js";
import type { Tensors } from "./checkpoint.js";

/**
 * How much of the average stays at update `t = 1, 2, …`: `min(decay, 1 − t^(−2/3))`. The first update is taken as it is, so
 * the start has no part in the average, and a short training is averaged over a part of itself.
 * @see timm `utils/model_ema.py`, `ModelEmaV3` with `use_warmup`
 */
export const averageDecay = (update: number, decay: number): number => Math.min(decay, 1 - update ** (-2 / 3));

/**
 * The next exponential moving average of parameters: `a ← d·a + (1 − d)·p`, computed in double precision.
 * @param average the one before; where there is none, the parameters themselves come back
 * @see Polyak and Juditsky, Acceleration of Stochastic Approximation by Averaging, 1992
 */
export function follow(average: Tensors | null, parameters: Tensors, d: number): Tensors {
  if (average === null || d === 0) return parameters;
  const blend = (a: Tensor | undefined, p: Tensor): Tensor => {
    if (!a) throw new Error("the average lacks a parameter");
    const [from, to] = [a.data as Float32Array, p.data as Float32Array];
    return tensor(
      "float32",
      p.shape,
      from.map((value, i) => d * value + (1 - d) * (to[i] as number)),
    );
  };
  return Object.fromEntries(Object.entries(parameters).map(([name, p]) => [name, blend(average[name], p)]));
}
