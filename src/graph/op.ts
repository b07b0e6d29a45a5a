import { ShapeError } from "../errors.js";
import type { DType, Shape } from "./tensor.js";
import { type Attributes, type Computed, currentScope, type Node, type Value } from "./value.js";

/** Shape and type of one output. */
export interface Spec {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** What a gradient rule sees. `grads` has one entry per output, undefined where nothing depends on that output. */
export interface BackwardContext {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly grads: readonly (Value | undefined)[];
  readonly attributes: Attributes;
}

/** An operator as one object: its ONNX type, its shapes, its gradient and its meaning side by side. */
export interface OpDefinition<A extends Attributes> {
  /** Shapes and types of the outputs. @throws ShapeError */
  infer(inputs: readonly Value[], attributes: A): readonly Spec[];
  /**
   * Gradients of the inputs from those of the outputs; undefined for an input that has none. A gradient may still
   * have a broadcast shape: `backward` sums it down to the input's, once, for every operator.
   */
  backward?(context: BackwardContext & { readonly attributes: A }): readonly (Value | undefined)[];
  /** The meaning in float64, slow and obvious. Absent where `expand` says it all. */
  evaluate?(inputs: readonly Float64Tensor[], attributes: A, outputs: readonly Spec[]): readonly ArrayLike<number>[];
  /** The same in terms of other operators, for a target that lacks this one, and for operators ONNX lacks. */
  expand?(inputs: readonly Value[], attributes: A): readonly Value[];
}

/** A tensor as the reference sees it: every element a double, the type kept aside. */
export interface Float64Tensor {
  readonly shape: Shape;
  readonly data: Float64Array;
}

/** An operator in the registry. */
export interface Op extends OpDefinition<Attributes> {
  /** The operator's type in ONNX, or our own name for one that is always expanded. */
  readonly type: string;
}

/** All operators by type; a test holds each against a list of cases. */
export const registry: ReadonlyMap<string, Op> = new Map<string, Op>();

/** Puts an operator into the registry. @throws Error where the type is taken */
export function defineOp<A extends Attributes>(type: string, definition: OpDefinition<A>): OpDefinition<A> & Op {
  if (registry.has(type)) throw new Error(`operator ${type} is defined twice`);
  const op = { type, ...definition } as OpDefinition<A> & Op;
  (registry as Map<string, Op>).set(type, op);
  return op;
}

/** Applies an operator and returns all its outputs. */
export function applyAll<A extends Attributes>(
  op: OpDefinition<A> & Op,
  inputs: readonly Value[],
  attributes: A,
): readonly Computed[] {
  const outputs: Computed[] = [];
  const node: Node = { op, inputs, attributes, outputs, scope: currentScope() };
  // Field by field: a rule may return an input as its spec, and that is a value with a kind of its own.
  for (const [index, { shape, dtype }] of op.infer(inputs, attributes).entries()) {
    outputs.push({ kind: "computed", node, index, shape, dtype });
  }
  return outputs;
}

/** Applies an operator with one output. */
export function apply<A extends Attributes>(
  op: OpDefinition<A> & Op,
  inputs: readonly Value[],
  attributes: A,
): Computed {
  return only(applyAll(op, inputs, attributes));
}

/** The single element of a list that must have one. */
export function only<T>(items: readonly T[]): T {
  const [item] = items;
  if (items.length !== 1 || item === undefined) throw new Error(`expected one element, got ${items.length}`);
  return item;
}

/** A ShapeError that says where it happened: the scope, the operator, and what came. */
export const misshapen = (type: string, inputs: readonly Value[], expected: string): ShapeError =>
  new ShapeError(
    `${currentScope() || "graph"}: ${type} expects ${expected}, got ${inputs.map((v) => `${v.dtype}[${v.shape}]`).join(" and ")}`,
  );
