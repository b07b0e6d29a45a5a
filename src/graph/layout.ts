import { broadcastOffsets, broadcastShapes, stridesOf } from "./broadcast.js";
import { filled } from "./elementwise.js";
import { apply, applyAll, defineOp, misshapen, only } from "./op.js";
import { elementCount, type Shape, sameShape } from "./tensor.js";
import type { Computed, Value } from "./value.js";

const reshapeOp = defineOp<{ readonly shape: Shape }>("Reshape", {
  infer(inputs, { shape }) {
    const x = only(inputs);
    if (elementCount(x.shape) !== elementCount(shape))
      throw misshapen("Reshape", inputs, `as many elements as [${shape}] holds`);
    return [{ shape, dtype: x.dtype }];
  },
  backward: ({ inputs, grads }) => [reshape(only(grads) as Value, only(inputs).shape)],
  evaluate: (inputs) => [only(inputs).data],
});

/** The same elements in row-major order under another shape; `x` itself where it has that shape. */
export const reshape = (x: Value, shape: Shape): Value =>
  sameShape(x.shape, shape) ? x : apply(reshapeOp, [x], { shape });

const transposeOp = defineOp<{ readonly perm: readonly number[] }>("Transpose", {
  infer(inputs, { perm }) {
    const x = only(inputs);
    const isPermutation = perm.toSorted((a, b) => a - b).every((axis, i) => axis === i);
    if (perm.length !== x.shape.length || !isPermutation)
      throw misshapen("Transpose", inputs, `as many axes as the permutation [${perm}] has`);
    return [{ shape: perm.map((axis) => x.shape[axis] as number), dtype: x.dtype }];
  },
  backward: ({ grads, attributes: { perm } }) => [transpose(only(grads) as Value, invert(perm))],
  evaluate(inputs, { perm }, outputs) {
    const { shape, data } = only(inputs);
    const strides = stridesOf(shape);
    let offsets = [0];
    for (const [i, size] of only(outputs).shape.entries()) {
      const stride = strides[perm[i] as number] as number;
      offsets = offsets.flatMap((at) => Array.from({ length: size }, (_, j) => at + j * stride));
    }
    return [Float64Array.from(offsets, (at) => data[at] as number)];
  },
});

const invert = (perm: readonly number[]): number[] => perm.map((_, axis) => perm.indexOf(axis));

/** `x` with its axes in another order: `y.shape[i] = x.shape[perm[i]]`. */
export const transpose = (x: Value, perm: readonly number[]): Computed => apply(transposeOp, [x], { perm });

const expandOp = defineOp<{ readonly shape: Shape }>("Expand", {
  infer(inputs, { shape }) {
    const x = only(inputs);
    const common = broadcastShapes(x.shape, shape);
    if (!common || !sameShape(common, shape))
      throw misshapen("Expand", inputs, `a shape that broadcasts to [${shape}]`);
    return [{ shape, dtype: x.dtype }];
  },
  backward: ({ grads }) => [only(grads)],
  evaluate(inputs, { shape }) {
    const x = only(inputs);
    return [Float64Array.from(broadcastOffsets(x.shape, shape), (at) => x.data[at] as number)];
  },
});

/** `x` repeated along the axes in which it has size 1; `x` itself where nothing is to repeat. */
export const expand = (x: Value, shape: Shape): Value =>
  sameShape(x.shape, shape) ? x : apply(expandOp, [x], { shape });

const concatOp = defineOp<{ readonly axis: number }>("Concat", {
  infer(inputs, { axis }) {
    const [first] = inputs as readonly [Value];
    const others = (x: Value): Shape => x.shape.toSpliced(axis, 1);
    const fits = (x: Value): boolean =>
      x.dtype === first.dtype && axis in x.shape && sameShape(others(x), others(first));
    if (!inputs.every(fits)) throw misshapen("Concat", inputs, `shapes that differ only along axis ${axis}`);
    return [{ shape: first.shape.with(axis, sum(inputs.map((x) => x.shape[axis] as number))), dtype: first.dtype }];
  },
  backward: ({ inputs, grads, attributes: { axis } }) =>
    split(
      only(grads) as Value,
      axis,
      inputs.map((x) => x.shape[axis] as number),
    ),
  evaluate(inputs, { axis }, outputs) {
    const result = new Float64Array(elementCount(only(outputs).shape));
    const outer = elementCount(only(outputs).shape.slice(0, axis));
    for (let row = 0, at = 0; row < outer; row++) {
      for (const x of inputs) {
        const length = x.data.length / outer;
        result.set(x.data.subarray(row * length, (row + 1) * length), at);
        at += length;
      }
    }
    return [result];
  },
});

/** The inputs one behind the other along `axis` (counted from the front). */
export const concat = (inputs: readonly Value[], axis: number): Value =>
  inputs.length === 1 ? only(inputs) : apply(concatOp, inputs, { axis });

const splitOp = defineOp<{ readonly axis: number; readonly split: readonly number[] }>("Split", {
  infer(inputs, { axis, split }) {
    const x = only(inputs);
    if (x.shape[axis] !== sum(split)) throw misshapen("Split", inputs, `${sum(split)} elements along axis ${axis}`);
    return split.map((size) => ({ shape: x.shape.with(axis, size), dtype: x.dtype }));
  },
  backward: ({ outputs, grads, attributes: { axis } }) => [
    concat(
      outputs.map((y, i) => grads[i] ?? filled(y.shape, 0, y)),
      axis,
    ),
  ],
  evaluate(inputs, { axis, split }) {
    const { shape, data } = only(inputs);
    const outer = elementCount(shape.slice(0, axis));
    const inner = elementCount(shape.slice(axis + 1));
    let start = 0;
    return split.map((size) => {
      const part = new Float64Array(outer * size * inner);
      for (let row = 0; row < outer; row++) {
        const from = (row * (shape[axis] as number) + start) * inner;
        part.set(data.subarray(from, from + size * inner), row * size * inner);
      }
      start += size;
      return part;
    });
  },
});

/** `x` cut along `axis` (counted from the front) into parts of the given sizes; the inverse of `concat`. */
export const split = (x: Value, axis: number, sizes: readonly number[]): readonly Value[] =>
  sizes.length === 1 && sizes[0] === x.shape[axis] ? [x] : applyAll(splitOp, [x], { axis, split: sizes });

const sum = (sizes: readonly number[]): number => sizes.reduce((a, b) => a + b, 0);
