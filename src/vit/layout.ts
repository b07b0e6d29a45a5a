import { elementCount, type Shape } from "../graph/tensor.js";

/** The same numbers in another order: seen as `view`, with the axes exchanged. */
export interface Arrangement {
  readonly view: Shape;
  /** `result[i]` runs along axis `perm[i]` of the view; absent where the order stays. */
  readonly perm?: readonly number[];
}

/** The shape after the arrangement. */
export const arrangedShape = ({ view, perm }: Arrangement): Shape => perm?.map((axis) => view[axis] as number) ?? view;

/** Writes the numbers in their new order. @param into as many numbers as `from`, another array */
export function arrange(from: Float32Array, { view, perm }: Arrangement, into: Float32Array): void {
  const axes = perm ?? [...view.keys()];
  const strides = axes.map((axis) => elementCount(view.slice(axis + 1)));
  gather(from, 0, arrangedShape({ view, perm: axes }), strides, into);
}

/** Writes the elements of `shape`, which lie in `from` at `start + Σ index · stride`, one behind the other. */
export function gather(
  from: Float32Array,
  start: number,
  shape: Shape,
  strides: readonly number[],
  into: Float32Array,
): void {
  if (into.length === 0) return;
  const [last, step] = [shape.at(-1) ?? 1, strides.at(-1) ?? 1];
  const index = new Array<number>(shape.length).fill(0);
  for (let at = 0, row = start; at < into.length; ) {
    for (let i = 0; i < last; i++) into[at++] = from[row + i * step] as number;
    // The next row: the innermost outer index that has room grows, those behind it begin again.
    for (let axis = shape.length - 2; axis >= 0; axis--) {
      row += strides[axis] as number;
      if (++(index[axis] as number) < (shape[axis] as number)) break;
      row -= (strides[axis] as number) * (shape[axis] as number);
      index[axis] = 0;
    }
  }
}
