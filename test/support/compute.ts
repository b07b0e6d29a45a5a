import { graph } from "../../src/graph/graph.js";
import { type Shape, type Tensor, tensorOf } from "../../src/graph/tensor.js";
import type { Value } from "../../src/graph/value.js";
import { ReferenceExecutor } from "../../src/run/reference.js";

/** The outputs of a graph as the reference computes them. */
export async function compute(
  outputs: Readonly<Record<string, Value>>,
  feeds: Readonly<Record<string, Tensor>> = {},
  weights: Readonly<Record<string, Tensor>> = {},
): Promise<Record<string, Tensor>> {
  const session = await new ReferenceExecutor().load(graph("test", outputs), (name) => weights[name] as Tensor);
  return session.run(feeds);
}

/** The numbers of one value that needs no feeds. */
export async function numbersOf(value: Value): Promise<number[]> {
  return Array.from((await compute({ value })).value?.data as Float64Array);
}

/** A tensor of doubles. */
export const doubles = (shape: Shape, values: ArrayLike<number>): Tensor<"float64"> =>
  tensorOf("float64", shape, values) as Tensor<"float64">;
