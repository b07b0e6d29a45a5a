import { type Architecture, modulesOf } from "../vit/architecture.js";
import type { Method } from "./method.js";

/** Names of the norms' scales and shifts. */
const norms = (a: Architecture): string[] =>
  modulesOf(a)
    .filter(({ name }) => name.includes("norm"))
    .flatMap(({ name }) => [`${name}.weight`, `${name}.bias`]);

/** LayerNorm tuning: scale and shift of every norm are trained; all else is frozen. */
export const layerNorm: Method<Record<string, never>> = {
  name: "layer-norm",
  source: "Basu et al., Strong Baselines for Parameter-Efficient Few-Shot Fine-Tuning, 2024",
  startsAsIdentity: true,
  folds: true,
  resolve: () => ({}),
  count: ({ width, blocks, hasPreNorm }) => 2 * width * (2 * blocks + (hasPreNorm ? 2 : 1)),
  parameters: (a) => norms(a).map((name) => ({ name, shape: [a.width], group: "adapter", initial: "backbone" })),
  adapt(a, _, value) {
    const trained = new Set(norms(a));
    return { tensor: (name) => (trained.has(name) ? value(name) : undefined) };
  },
};
