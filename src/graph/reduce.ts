import { stridesOf } from "./broadcast.js";
import { div, mul, scalar } from "./elementwise.js";
import { expand, reshape } from "./layout.js";
import { apply, defineOp, type Float64Tensor, misshapen, only, type Spec } from "./op.js";
import { elementCount, type Shape } from "./tensor.js";
import type { Value } from "./value.js";

type Reduction = { readonly axes: readonly number[]; readonly keepdims: number };

/** The output of a reduction. */
function infer(type: string, inputs: readonly Value[], attributes: Reduction): readonly Spec[] {
  const { shape, dtype } = only(inputs);
  const { axes } = attributes;
  if (axes.some((axis, i) => !(axis in shape) || axes.indexOf(axis) !== i)) {
    throw misshapen(type, inputs, `the different axes [${axes}], counted from the front`);
  }
  return [{ shape: reduced(shape, attributes), dtype }];
}

/** `shape` with the axes reduced: to size 1, or left out. */
const reduced = (shape: Shape, { axes, keepdims }: Reduction): number[] =>
  shape.flatMap((size, axis) => (axes.includes(axis) ? (keepdims ? [1] : []) : [size]));

/** Folds all elements that share an output element. */
function fold(
  { shape, data }: Float64Tensor,
  attributes: Reduction,
  start: number,
  f: (a: number, b: number) => number,
): Float64Array {
  const kept = { ...attributes, keepdims: 1 };
  const result = new Float64Array(elementCount(reduced(shape, kept))).fill(start);
  const from = stridesOf(shape);
  const to = stridesOf(reduced(shape, kept));
  for (let i = 0; i < data.length; i++) {
    let at = 0;
    for (let axis = 0, rest = i; axis < shape.length; axis++) {
      const index = Math.floor(rest / (from[axis] as number));
      rest -= index * (from[axis] as number);
      if (!attributes.axes.includes(axis)) at += index * (to[axis] as number);
    }
    result[at] = f(result[at] as number, data[i] as number);
  }
  return result;
}

/** The gradient of a sum: `dy`, repeated along the axes it was summed over. */
const repeat = (dy: Value, x: Value, { axes }: Reduction): Value =>
  expand(reshape(dy, reduced(x.shape, { axes, keepdims: 1 })), x.shape);

const sumOp = defineOp<Reduction>("ReduceSum", {
  infer: (inputs, attributes) => infer("ReduceSum", inputs, attributes),
  backward: ({ inputs, grads, attributes }) => [repeat(only(grads) as Value, only(inputs), attributes)],
  evaluate: (inputs, attributes) => [fold(only(inputs), attributes, 0, (a, b) => a + b)],
});

const meanOp = defineOp<Reduction>("ReduceMean", {
  infer: (inputs, attributes) => infer("ReduceMean", inputs, attributes),
  backward: ({ inputs, outputs, grads, attributes }) => {
    const count = elementCount(only(inputs).shape) / elementCount(only(outputs).shape);
    return [repeat(div(only(grads) as Value, scalar(count, only(inputs))), only(inputs), attributes)];
  },
  evaluate(inputs, attributes, outputs) {
    const count = elementCount(only(inputs).shape) / elementCount(only(outputs).shape);
    return [fold(only(inputs), attributes, 0, (a, b) => a + b / count)];
  },
});

const maxOp = defineOp<Reduction>("ReduceMax", {
  infer: (inputs, attributes) => infer("ReduceMax", inputs, attributes),
  evaluate: (inputs, attributes) => [fold(only(inputs), attributes, Number.NEGATIVE_INFINITY, Math.max)],
});

/** All axes of a value, counted from the front. */
const axesOf = (x: Value): number[] => [...x.shape.keys()];

/** `Σ x` over the axes (all of them by default), which vanish unless `keepdims`. */
export const reduceSum = (x: Value, axes: readonly number[] = axesOf(x), keepdims = false): Value =>
  axes.length === 0 ? x : apply(sumOp, [x], { axes, keepdims: Number(keepdims) });

/** The mean of `x` over the axes (all of them by default), which vanish unless `keepdims`. */
export const reduceMean = (x: Value, axes: readonly number[] = axesOf(x), keepdims = false): Value =>
  axes.length === 0 ? x : apply(meanOp, [x], { axes, keepdims: Number(keepdims) });

/** The largest element over the axes, kept with size 1. Has no gradient: it only serves to shift a softmax. */
export const reduceMax = (x: Value, axes: readonly number[]): Value =>
  axes.length === 0 ? x : apply(maxOp, [x], { axes, keepdims: 1 });

/** `Σ a · b` over the last axis, which stays with size 1. */
export const rowDot = (a: Value, b: Value): Value => reduceSum(mul(a, b), [a.shape.length - 1], true);
