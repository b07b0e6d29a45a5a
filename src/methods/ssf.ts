import { modulesOf } from "../vit/architecture.js";
import { type Method, type MethodParameter, normalOf } from "./method.js";

/**
 * SSF: `y′ = y ⊙ scale + shift` behind every linear map, every norm and the patch embedding. `scale ~ N(1, 0.02²)`,
 * `shift ~ N(0, 0.02²)`, so the start is close to the frozen network but not equal to it.
 * @see Lian et al., Scaling & Shifting Your Features: A New Baseline for Efficient Model Tuning, 2022
 */
export const ssf: Method<Record<string, never>> = {
  name: "ssf",
  source: "Lian et al., Scaling & Shifting Your Features: A New Baseline for Efficient Model Tuning, 2022",
  startsAsIdentity: false,
  folds: true,
  resolve: () => ({}),
  count: ({ width, hidden, blocks, hasPreNorm }) => 2 * ((hasPreNorm ? 3 : 2) * width + blocks * (7 * width + hidden)),
  parameters: (a) =>
    modulesOf(a).flatMap(({ name, outputs }): MethodParameter[] => [
      {
        name: `ssf.${name}.scale`,
        shape: [outputs],
        group: "adapter",
        initial: (normal) => normalOf([outputs], 0.02)(normal).map((z) => 1 + z),
      },
      { name: `ssf.${name}.shift`, shape: [outputs], group: "adapter", initial: normalOf([outputs], 0.02) },
    ]),
  adapt: (_, __, value) => ({
    output: (name) => ({ scale: value(`ssf.${name}.scale`), shift: value(`ssf.${name}.shift`) }),
  }),
};
