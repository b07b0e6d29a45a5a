/**
 * An order of the classes in which those that are taken for one another stand side by side: the pairs are gone through
 * from the most to the least often confused, and the two rows of classes they belong to are joined, ends that are
 * confused towards each other. Rows that are left stand in the order of the classes.
 * @param counts confusion matrix, `[classes, classes]`
 */
export function orderByConfusion(counts: Int32Array, classes: number): readonly number[] {
  const together = (a: number, b: number): number =>
    (counts[a * classes + b] as number) + (counts[b * classes + a] as number);
  const pairs: (readonly [weight: number, a: number, b: number])[] = [];
  for (let a = 0; a < classes; a++) {
    for (let b = a + 1; b < classes; b++) if (together(a, b) > 0) pairs.push([together(a, b), a, b]);
  }
  pairs.sort(([one, a, b], [other, c, d]) => other - one || a - c || b - d);
  const rows = Array.from({ length: classes }, (_, c): number[] => [c]);
  for (const [, a, b] of pairs) {
    const [first, second] = [rows[a], rows[b]];
    if (!first || !second || first === second) continue;
    const joined = join(first, second, together);
    for (const c of joined) rows[c] = joined;
  }
  return [...new Set(rows)].flat();
}

/** The two rows one behind the other, turned so that the classes that meet are confused most often. */
function join(
  first: readonly number[],
  second: readonly number[],
  together: (a: number, b: number) => number,
): number[] {
  const turned = (row: readonly number[]): readonly number[] => [...row].reverse();
  const ways = [
    [first, second],
    [first, turned(second)],
    [turned(first), second],
    [turned(first), turned(second)],
  ] as const;
  const meeting = ([left, right]: (typeof ways)[number]): number => together(left.at(-1) as number, right[0] as number);
  const best = ways.reduce((a, b) => (meeting(b) > meeting(a) ? b : a));
  return best.flat();
}
