/**
 * The 95 % interval of a share of which `right` of `count` were seen, by Wilson's score:
 * `(p + z²/2n ± z·√(p(1 − p)/n + z²/4n²)) / (1 + z²/n)`; from 0 to 1 where nothing was seen.
 * @see Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927
 */
export function shareInterval(right: number, count: number): readonly [low: number, high: number] {
  if (count === 0) return [0, 1];
  const z = 1.959964;
  const share = right / count;
  const middle = share + z ** 2 / (2 * count);
  const half = z * Math.sqrt((share * (1 - share)) / count + z ** 2 / (4 * count ** 2));
  const scale = 1 + z ** 2 / count;
  return [Math.max(0, (middle - half) / scale), Math.min(1, (middle + half) / scale)];
}
