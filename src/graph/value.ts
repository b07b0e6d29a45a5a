import type { Op } from "./op.js";
import type { DType, Shape, Tensor } from "./tensor.js";

/** What an operator was called with beside its inputs: axes, permutations, small constants. */
export type Attributes = Readonly<Record<string, number | string | readonly number[]>>;

/** One application of an operator. */
export interface Node {
  readonly op: Op;
  readonly inputs: readonly Value[];
  readonly attributes: Attributes;
  readonly outputs: readonly Value[];
  /** Where in the network it was made, `blocks.3.attn`; empty outside every scope. */
  readonly scope: string;
}

/**
 * A tensor-to-be: the output of a node, or a leaf. Values are immutable and know how they are made, so a graph is
 * nothing but the values one wants and whatever they reach.
 *
 * Leaves: an `input` is passed at every run; a `weight` is frozen and handed over once, when a graph is loaded;
 * a `constant` is part of the graph.
 */
export type Value = Computed | Input | Weight | Constant;

interface Typed {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** What a node computes. */
export interface Computed extends Typed {
  readonly kind: "computed";
  readonly node: Node;
  readonly index: number;
}

/** What is fed at every run. */
export interface Input extends Typed {
  readonly kind: "input";
  readonly name: string;
}

/** A frozen tensor, given once. */
export interface Weight extends Typed {
  readonly kind: "weight";
  readonly name: string;
}

/** Numbers that stand in the graph. */
export interface Constant extends Typed {
  readonly kind: "constant";
  readonly tensor: Tensor;
}

/** A graph input: passed at every run under its name. */
export const input = (name: string, shape: Shape, dtype: DType = "float32"): Input => ({
  kind: "input",
  name,
  shape,
  dtype,
});

/** A frozen weight: handed over once under its name, when the graph is loaded. */
export const weight = (name: string, shape: Shape, dtype: DType = "float32"): Weight => ({
  kind: "weight",
  name,
  shape,
  dtype,
});

/** A tensor that is part of the graph; for small ones. */
export const constant = (tensor: Tensor): Constant => ({
  kind: "constant",
  tensor,
  shape: tensor.shape,
  dtype: tensor.dtype,
});

let current = "";

/** Runs `build` with every node it makes carrying `name` behind the enclosing scope: `blocks.3` → `blocks.3.attn`. */
export function scope<T>(name: string, build: () => T): T {
  const outer = current;
  current = outer && name ? `${outer}.${name}` : outer || name;
  try {
    return build();
  } finally {
    current = outer;
  }
}

/** The scope in force, for whoever makes nodes. */
export const currentScope = (): string => current;
