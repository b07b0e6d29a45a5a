import { type VtabGroup, vtabTaskOf } from "../data/vtab-tasks.js";

/** Group of a task in a table: VTAB's, or `other` for a task that is none of VTAB's. */
export const groupOf = (task: string): VtabGroup | "other" => vtabTaskOf(task)?.group ?? "other";

/**
 * True where a data set has the sizes of VTAB-1k's own sample; any other sample of the same images is another task,
 * whose figures say nothing beside published ones.
 */
export const isOfficialSample = (
  task: string,
  classes: number,
  images: { readonly train: number; readonly val: number; readonly test: number },
): boolean => {
  const known = vtabTaskOf(task);
  const { train, val, test } = images;
  return known !== undefined && classes === known.classes && train + val === 1000 && test === known.testImages;
};
