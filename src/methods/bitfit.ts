import { isHead, parametersOf } from "../vit/architecture.js";
import type { Method } from "./method.js";

/** BitFit: every bias of the network is trained, of the maps, the norms and the patch embedding; all else is frozen. */
export const bitfit: Method<Record<string, never>> = {
  name: "bitfit",
  source:
    "Ben Zaken et al., BitFit: Simple Parameter-efficient Fine-tuning for Transformer-based Masked Language-models, 2022",
  startsAsIdentity: true,
  folds: true,
  resolve: () => ({}),
  count: ({ width, hidden, blocks, qkvBias, patchBias, hasPreNorm }) =>
    (1 + (patchBias ? 1 : 0) + (hasPreNorm ? 1 : 0)) * width + blocks * ((qkvBias ? 7 : 4) * width + hidden),
  parameters: (a) =>
    parametersOf(a)
      .filter(({ name }) => name.endsWith(".bias") && !isHead(name))
      .map((p) => ({ ...p, group: "adapter", initial: "backbone" })),
  adapt: (_, __, value) => ({
    tensor: (name) => (name.endsWith(".bias") && !isHead(name) ? value(name) : undefined),
  }),
};
