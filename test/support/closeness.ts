/** The largest difference of two lists, relative to the norm of the second; `floor` is the least norm it counts with. */
export function relativeError(got: ArrayLike<number>, wanted: ArrayLike<number>, floor = Number.MIN_VALUE): number {
  if (got.length !== wanted.length) throw new Error(`${got.length} numbers beside ${wanted.length}`);
  const norm = Math.max(Math.hypot(...Array.from(wanted)), floor);
  return Math.max(0, ...Array.from(wanted, (w, i) => Math.abs((got[i] as number) - w))) / norm;
}
