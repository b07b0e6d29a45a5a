import type { Shape } from "./tensor.js";

/** The common shape of two under NumPy's rules, or undefined where they do not fit. */
export function broadcastShapes(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const result: number[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return undefined;
    result.push(x === 1 ? y : x);
  }
  return result;
}

/** Elements to skip per step along each axis, in row-major order. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis] as number;
  }
  return strides;
}

/**
 * For each element of `to`, the offset of the element of `from` that broadcasting puts there.
 * @param from a shape that broadcasts to `to`
 */
export function broadcastOffsets(from: Shape, to: Shape): Int32Array {
  const lead = to.length - from.length;
  const strides = stridesOf(from);
  let offsets = new Int32Array(1);
  for (const [axis, size] of to.entries()) {
    const stride = axis < lead || from[axis - lead] === 1 ? 0 : (strides[axis - lead] as number);
    const next = new Int32Array(offsets.length * size);
    for (let i = 0; i < offsets.length; i++) {
      for (let j = 0; j < size; j++) next[i * size + j] = (offsets[i] as number) + j * stride;
    }
    offsets = next;
  }
  return offsets;
}

/** The axes of `to` along which `from` was repeated; sum over them to undo the broadcast. */
export function repeatedAxes(from: Shape, to: Shape): number[] {
  const lead = to.length - from.length;
  return [...to.keys()].filter((axis) => axis < lead || (from[axis - lead] === 1 && to[axis] !== 1));
}
