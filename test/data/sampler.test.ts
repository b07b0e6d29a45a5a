import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { balancedOrder, batches, batchesInOrder, epochOrder, splitStratified } from "../../src/data/sampler.js";
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

describe("balancedOrder", () => {
  const labels = fc.array(fc.nat(6), { minLength: 1, maxLength: 200 }).map((list) => Int32Array.from(list));
  const countBy = (values: Iterable<number>): Map<number, number> => {
    const counts = new Map<number, number>();
    for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
    return counts;
  };
  const spread = (counts: readonly number[]): number => Math.max(...counts) - Math.min(...counts);

  it("shows every class as often, and within a class every image as often, but for one", () => {
    fc.assert(
      fc.property(labels, fc.nat(), fc.nat(50), (list, seed, epoch) => {
        const order = balancedOrder(list, seed, epoch);
        expect(order.length).toBe(list.length);
        const shown = countBy(Array.from(order, (index) => list[index] as number));
        const classes = [...new Set(list)];
        expect(spread(classes.map((label) => shown.get(label) ?? 0))).toBeLessThanOrEqual(1);
        const times = countBy(order);
        for (const label of classes) {
          const members = range(list.length).filter((index) => list[index] === label);
          expect(spread(members.map((index) => times.get(index) ?? 0))).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it("is the same again for the same epoch, and another for another", () => {
    const list = Int32Array.from({ length: 60 }, (_, i) => Number(i > 50));
    expect(balancedOrder(list, 3, 1)).toEqual(balancedOrder(list, 3, 1));
    expect(balancedOrder(list, 3, 2)).not.toEqual(balancedOrder(list, 3, 1));
    expect(balancedOrder(list, 4, 1)).not.toEqual(balancedOrder(list, 3, 1));
  });

  it("comes class by class in turn, so that every batch is nearly balanced", () => {
    const list = Int32Array.from({ length: 64 }, (_, i) => (i < 60 ? 0 : 1 + (i % 3)));
    for (const part of range(16)) {
      const four = Array.from(balancedOrder(list, 0, 0).subarray(4 * part, 4 * part + 4), (index) => list[index]);
      expect(new Set(four).size).toBe(4);
    }
  });
});
