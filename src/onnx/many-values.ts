import { concat, split } from "../graph/layout.js";
import type { Attributes, Value } from "../graph/value.js";

/** Tensors that a shader reads and writes on every WebGPU device: `maxStorageBuffersPerShaderStage` is never below 8. */
export const mostShaderValues = 8;

/** A Concat of few inputs at a time. */
export function concatInGroups(inputs: readonly Value[], attributes: Attributes): readonly Value[] {
  const { axis } = attributes as { readonly axis: number };
  const joined = groupsOf(inputs).map((group) => concat(group, axis));
  return [concat(joined, axis)];
}

/** A Split into few outputs at a time. */
export function splitInGroups([x]: readonly Value[], attributes: Attributes): readonly Value[] {
  const { axis, split: sizes } = attributes as { readonly axis: number; readonly split: readonly number[] };
  const groups = groupsOf(sizes);
  const totals = groups.map((group) => group.reduce((sum, size) => sum + size, 0));
  return split(x as Value, axis, totals).flatMap((part, i) => split(part, axis, groups[i] ?? []));
}

/** Consecutive groups that leave a shader room for the tensor they make, or are made of. */
function groupsOf<T>(items: readonly T[]): readonly (readonly T[])[] {
  const size = mostShaderValues - 1;
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
