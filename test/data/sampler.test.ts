import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { batches, batchesInOrder, epochOrder, splitStratified } from "../../src/data/sampler.js";
import { ConfigError } from "../../src/errors.js";

const flatten = (lists: readonly Int32Array[]): number[] => lists.flatMap((list) => Array.from(list));
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe("batches", () => {
  const sets = [fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 64 }), fc.nat(), fc.nat(50)] as const;

  it("visit every sample once, drop none, and only the last is shorter", () => {
    fc.assert(
      fc.property(...sets, (count, batchSize, seed, epoch) => {
        const lists = batches(count, batchSize, seed, epoch);
        expect(flatten(lists).sort((a, b) => a - b)).toEqual(range(count));
        for (const list of lists.slice(0, -1)) expect(list.length).toBe(Math.min(batchSize, count));
        expect(lists.length).toBe(Math.ceil(count / batchSize));
      }),
    );
  });

  it("continue equal from any point", () => {
    fc.assert(
      fc.property(...sets, fc.nat(300), (count, batchSize, seed, epoch, done) => {
        const rest = flatten(batches(count, batchSize, seed, epoch).slice(done));
        expect(rest).toEqual(Array.from(epochOrder(count, seed, epoch).slice(done * batchSize)));
      }),
    );
  });

  it("differ between epochs and between seeds", () => {
    expect(epochOrder(40, 0, 0)).not.toEqual(epochOrder(40, 0, 1));
    expect(epochOrder(40, 0, 0)).not.toEqual(epochOrder(40, 1, 0));
  });

  it("keep the set's order for evaluation", () => {
    expect(batchesInOrder(5, 2).map((list) => Array.from(list))).toEqual([[0, 1], [2, 3], [4]]);
    expect(batchesInOrder(3, 32)).toHaveLength(1);
  });

  it.each([0, -1, 1.5])("refuse the size %d", (size) => {
    expect(() => batches(10, size, 0, 0)).toThrow(ConfigError);
  });
});

describe("splitStratified", () => {
  it("puts every sample in exactly one part and every class where there are enough", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(6), { minLength: 1, maxLength: 200 }), fc.nat(), (labels, seed) => {
        const parts = splitStratified(labels, [0.8, 0.1, 0.1], seed);
        expect(flatten(parts).sort((a, b) => a - b)).toEqual(range(labels.length));
        for (const label of new Set(labels)) {
          const counts = parts.map((part) => part.filter((i) => labels[i] === label).length);
          const total = labels.filter((other) => other === label).length;
          expect(counts[0]).toBeGreaterThan(0);
          if (total >= 3) expect(Math.min(...counts)).toBeGreaterThan(0);
        }
      }),
    );
  });

  it("keeps proportions, and depends on the seed alone", () => {
    const labels = range(100).map((i) => (i < 60 ? 0 : 1));
    const [train, val] = splitStratified(labels, [0.8, 0.2], 3);
    expect(train?.filter((i) => labels[i] === 0).length).toBe(48);
    expect(val?.filter((i) => labels[i] === 1).length).toBe(8);
    expect(splitStratified(labels, [0.8, 0.2], 3)[1]).toEqual(val);
    expect(splitStratified(labels, [0.8, 0.2], 4)[1]).not.toEqual(val);
  });

  it.each([[[]], [[0.5]], [[1.2, -0.2]], [[0.5, Number.NaN]]])("refuses the fractions %j", (fractions) => {
    expect(() => splitStratified([0, 1], fractions, 0)).toThrow(ConfigError);
  });
});
