import type { Graph } from "./graph.js";
import { type DType, elementCount, type Shape } from "./tensor.js";
import type { Value } from "./value.js";

/** Operators whose output is their input's memory seen in another shape. */
const views: ReadonlySet<string> = new Set(["Reshape", "Squeeze", "Unsqueeze", "Identity"]);

/** Operators that write their output over an input of its size that nobody needs any more. */
const inPlace: ReadonlySet<string> = new Set(["Add", "Sub", "Mul", "Div", "Neg", "Sqrt", "Exp", "Erf", "Softmax"]);

const elementBytes: Readonly<Record<DType, number>> = {
  float32: 4,
  float64: 8,
  int32: 4,
  int64: 8,
  uint8: 1,
  bool: 1,
};

/** Bytes of tensors. */
export const byteSize = (values: Iterable<{ readonly shape: Shape; readonly dtype: DType }>): number => {
  let bytes = 0;
  for (const { shape, dtype } of values) bytes += elementCount(shape) * elementBytes[dtype];
  return bytes;
};

/**
 * The most bytes that the values a graph computes take at one moment, where its nodes run one after the other and a value
 * goes as soon as its last reader has run. Leaves are not counted, outputs stay to the end. A reshape takes nothing, and
 * what works element by element writes over an input that ends there.
 */
export function computedBytes({ nodes, outputs }: Graph): number {
  const roots = new Map<Value, Value>();
  const rootOf = (value: Value): Value => roots.get(value) ?? value;
  const lastReader = new Map<Value, number>();
  for (const [at, { op, inputs, outputs: made }] of nodes.entries()) {
    const [[source], [view]] = [inputs, made];
    if (source && view && views.has(op.type)) roots.set(view, rootOf(source));
    for (const value of inputs) lastReader.set(rootOf(value), at);
  }
  for (const value of Object.values(outputs)) lastReader.set(rootOf(value), nodes.length);

  const alive = new Map<Value, number>();
  let bytes = 0;
  let most = 0;
  const end = (value: Value): void => {
    bytes -= alive.get(value) ?? 0;
    alive.delete(value);
  };
  for (const [at, { op, inputs, outputs: made }] of nodes.entries()) {
    const ending = new Set(inputs.map(rootOf).filter((value) => lastReader.get(value) === at));
    for (const value of made) {
      if (roots.has(value)) continue;
      const size = byteSize([value]);
      const reused = inPlace.has(op.type) && [...ending].find((input) => alive.get(input) === size);
      if (reused) end(reused);
      alive.set(value, size);
      bytes += size;
    }
    most = Math.max(most, bytes);
    for (const value of ending) end(value);
    for (const value of made) if (!lastReader.has(value)) end(value);
  }
  return most;
}

/**
 * Floating-point operations of a graph's matrix products, two for each multiplication with its addition: `2 · m · n · k` for each
 * `[m, k] · [k, n]`.
 */
export function productFlops({ nodes }: Graph): number {
  let flops = 0;
  for (const { op, inputs, outputs, attributes } of nodes) {
    const [[left], [product]] = [inputs, outputs];
    if (!left || !product || !["MatMul", "Gemm", "FusedMatMul"].includes(op.type)) continue;
    const inner = left.shape.at(attributes.transA ? -2 : -1) as number;
    flops += 2 * elementCount(product.shape) * inner;
  }
  return flops;
}
