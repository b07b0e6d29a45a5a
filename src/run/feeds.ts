import { ShapeError } from "../errors.js";
import type { Graph } from "../graph/graph.js";
import { type DType, elementCount, type Shape, sameShape, type Tensor } from "../graph/tensor.js";
import type { Feed } from "./executor.js";

type Typed = { readonly dtype: DType; readonly shape: Shape };

const describe = ({ dtype, shape }: Typed): string => `${dtype} [${shape}]`;

/**
 * Passes where the feeds are the graph's inputs, no more and no less.
 * @throws ShapeError naming the graph and the input
 */
export function checkFeeds({ name, inputs }: Graph, feeds: Readonly<Record<string, Feed>>): void {
  const known = new Set(inputs.map((leaf) => leaf.name));
  for (const key of Object.keys(feeds)) {
    if (known.has(key)) continue;
    throw new ShapeError(`${name}: there is no input ${key}. It takes ${[...known].join(", ") || "none"}.`);
  }
  for (const leaf of inputs) {
    const feed = feeds[leaf.name];
    if (!feed) throw new ShapeError(`${name}: input ${leaf.name} is missing; it is ${describe(leaf)}.`);
    checkTensor(`${name}: input ${leaf.name}`, leaf, feed);
  }
}

/**
 * Passes where a weight is what the graph declares.
 * @throws ShapeError naming the graph and the weight
 */
export function checkWeight(graph: string, leaf: Typed & { readonly name: string }, weight: Tensor): void {
  checkTensor(`${graph}: weight ${leaf.name}`, leaf, weight);
}

function checkTensor(where: string, expected: Typed, got: Feed): void {
  if (got.dtype !== expected.dtype || !sameShape(got.shape, expected.shape)) {
    throw new ShapeError(`${where}: expected ${describe(expected)}, got ${describe(got)}.`);
  }
  if ("data" in got && got.data.length !== elementCount(got.shape)) {
    throw new ShapeError(
      `${where}: ${describe(got)} holds ${elementCount(got.shape)} elements, got ${got.data.length}.`,
    );
  }
}
