import type { Method } from "./method.js";

/** Linear probing: only the head is trained, on features of the frozen network. */
export const linear: Method<Record<string, never>> = {
  name: "linear",
  source: "Alain and Bengio, Understanding intermediate layers using linear classifier probes, 2016",
  startsAsIdentity: true,
  folds: true,
  resolve: () => ({}),
  count: () => 0,
  parameters: () => [],
  adapt: () => ({}),
};
