export { backward } from "./backward.js";
export * from "./elementwise.js";
export { type Graph, graph } from "./graph.js";
export * from "./layout.js";
export * from "./matrix.js";
export * from "./network.js";
export type { BackwardContext, Float64Tensor, Op, Spec } from "./op.js";
export { registry } from "./op.js";
export { adamW, muon, type Optimizer, sgd, type Update } from "./optimizer.js";
export { print } from "./print.js";
export * from "./reduce.js";
export * from "./tensor.js";
export {
  type Attributes,
  type Computed,
  type Constant,
  constant,
  type Input,
  input,
  type Node,
  scope,
  type Value,
  type Weight,
  weight,
} from "./value.js";
