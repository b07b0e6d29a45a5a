import { type Fingerprint, gridCorrelation, hashDistance } from "./fingerprint.js";
import { groupBy } from "./group.js";

/** Two images are near duplicates where all of this holds. */
export const nearness = {
  /** Bits of 144 that may differ. */
  bits: 8,
  /** Least correlation of the grids. */
  correlation: 0.98,
  /** Largest difference of a mean colour from grey, of 255. */
  color: 12,
  /** Least contrast, of 255: of an even surface the hash says nothing. */
  contrast: 4,
} as const;

/** Images of one bucket that each is compared with: keeps a million alike from taking a day. */
const mostCompared = 1000;

/** What the mean colour has more of than its grey: brightness may differ. */
const tintOf = ({ color: [red, green, blue] }: Fingerprint): readonly number[] =>
  [red, green, blue].map((value) => value - (red + green + blue) / 3);

/** True for two images that look the same, but for size, compression and brightness. */
export const isNear = (a: Fingerprint, b: Fingerprint): boolean =>
  hashDistance(a, b) <= nearness.bits &&
  tintOf(a).every((value, i) => Math.abs(value - (tintOf(b)[i] as number)) <= nearness.color) &&
  gridCorrelation(a, b) >= nearness.correlation;

/**
 * The groups of images that are near duplicates, directly or over others, as places in the list; each at least two, in order.
 *
 * Not every pair is compared. A hash has nine words of 16 bits; of two that differ in at most eight bits one word is
 * equal. So those are compared that share a word: about `9·n / 65536` others each, where hashes are spread out.
 */
export function groupNear(prints: readonly Fingerprint[]): readonly (readonly number[])[] {
  const parent = Int32Array.from(prints, (_, i) => i);
  const rootOf = (place: number): number => {
    let root = place;
    while (parent[root] !== root) root = parent[root] as number;
    for (let at = place; at !== root; ) [at, parent[at]] = [parent[at] as number, root];
    return root;
  };
  const places = prints.flatMap(({ contrast }, i) => (contrast >= nearness.contrast ? [i] : []));
  for (let word = 0; word <= nearness.bits; word++) {
    for (const bucket of groupBy(places, (place) => prints[place]?.hash[word]).values()) {
      for (const [i, a] of bucket.entries()) {
        for (const b of bucket.slice(i + 1, i + 1 + mostCompared)) {
          const [rootA, rootB] = [rootOf(a), rootOf(b)];
          if (rootA !== rootB && isNear(prints[a] as Fingerprint, prints[b] as Fingerprint)) {
            parent[Math.max(rootA, rootB)] = Math.min(rootA, rootB);
          }
        }
      }
    }
  }
  return [...groupBy(places, rootOf).values()].filter(({ length }) => length > 1);
}
