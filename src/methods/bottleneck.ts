import { gemm, type Value } from "../graph/index.js";
import type { MethodParameter } from "./method.js";

/** Numbers in a bottleneck with both biases. */
export const bottleneckCount = (width: number, rank: number): number => 2 * width * rank + rank + width;

/** First values of the four tensors of a bottleneck, by shape. */
export interface BottleneckStart {
  readonly down: (shape: readonly [number, number]) => MethodParameter["initial"];
  readonly up: (shape: readonly [number, number]) => MethodParameter["initial"];
  readonly bias: (shape: readonly [number]) => MethodParameter["initial"];
}

/** The tensors of a bottleneck: `down [width, rank]`, `up [rank, width]` and their biases. */
export function bottleneckParameters(
  name: string,
  width: number,
  rank: number,
  start: BottleneckStart,
): MethodParameter[] {
  const group = "adapter";
  return [
    { name: `${name}.down.weight`, shape: [width, rank], group, initial: start.down([width, rank]) },
    { name: `${name}.down.bias`, shape: [rank], group, initial: start.bias([rank]) },
    { name: `${name}.up.weight`, shape: [rank, width], group, initial: start.up([rank, width]) },
    { name: `${name}.up.bias`, shape: [width], group, initial: start.bias([width]) },
  ];
}

/** `drop(activation(x down + a)) up + b`, `[rows, width]`. */
export function bottleneck(
  name: string,
  x: Value,
  activation: (x: Value) => Value,
  value: (name: string) => Value,
  drop: (x: Value) => Value,
): Value {
  const inner = gemm(x, value(`${name}.down.weight`), { bias: value(`${name}.down.bias`) });
  return gemm(drop(activation(inner)), value(`${name}.up.weight`), { bias: value(`${name}.up.bias`) });
}

export { quickGelu } from "../vit/activation.js";
