import { isHead, parameterCount, parametersOf } from "../vit/architecture.js";
import type { Method } from "./method.js";

/** Full fine-tuning: every tensor of the network is trained, from the checkpoint's values. */
export const full: Method<Record<string, never>> = {
  name: "full",
  source: "the usual baseline",
  startsAsIdentity: true,
  folds: true,
  resolve: () => ({}),
  count: (a) => parameterCount(a),
  parameters: (a) =>
    parametersOf(a)
      .filter(({ name }) => !isHead(name))
      .map((p) => ({ ...p, group: "backbone", initial: "backbone" })),
  adapt: (_, __, value) => ({ tensor: (name) => (isHead(name) ? undefined : value(name)) }),
};
