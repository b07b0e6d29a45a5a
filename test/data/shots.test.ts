import { describe, expect, it } from "vitest";
import type { Dataset, Examples } from "../../src/data/dataset.js";
import { takeShots } from "../../src/data/shots.js";

const examples = (labels: readonly number[], name = "t"): Examples => ({
  count: labels.length,
  labels: Int32Array.from(labels),
  id: (i) => `${name}${i}`,
  read: async () => new Uint8Array(),
  size: async () => 1,
});
const labels = Array.from({ length: 60 }, (_, i) => i % 3);
const data = (more: Partial<Dataset["splits"]> = {}): Dataset => ({
  layout: "class folders",
  classes: ["a", "b", "c"],
  splits: { train: examples(labels), val: null, test: null, ...more },
});
const ids = (part: Examples | null): string[] => Array.from({ length: part?.count ?? 0 }, (_, i) => part?.id(i) ?? "");

describe("shots", () => {
  const test = examples([0, 1, 2], "test");
  it.each([1, 2, 4, 16])("are %i of each class, and up to four more are validation", (shots) => {
    const { splits } = takeShots(data({ test }), shots, 0);
    for (const label of [0, 1, 2]) {
      expect(splits.train?.labels.filter((own) => own === label)).toHaveLength(shots);
      expect(splits.val?.labels.filter((own) => own === label)).toHaveLength(Math.min(4, shots));
    }
    expect(new Set([...ids(splits.train), ...ids(splits.val)]).size).toBe(3 * (shots + Math.min(4, shots)));
    expect(splits.test).toBe(test);
  });

  it("depend on the seed; fewer are a part of more", () => {
    const of = (shots: number, seed: number) => ids(takeShots(data({ test }), shots, seed).splits.train);
    expect(of(4, 1)).toEqual(of(4, 1));
    expect(of(4, 1)).not.toEqual(of(4, 2));
    expect(of(8, 1)).toEqual(expect.arrayContaining(of(4, 1)));
  });

  it("leave a test of their own where there is none, the same for all seeds and numbers", () => {
    const tests = [
      [1, 0],
      [4, 0],
      [4, 5],
    ].map(([shots, seed]) => takeShots(data(), shots as number, seed as number).splits);
    expect(tests.map(({ test }) => test?.count)).toEqual([30, 30, 30]);
    expect(new Set(tests.map(({ test }) => ids(test).join())).size).toBe(1);
    for (const { train, val, test } of tests) {
      const own = new Set(ids(test));
      expect([...ids(train), ...ids(val)].some((id) => own.has(id))).toBe(false);
    }
  });

  it("keep validation images that are there", () => {
    const val = examples([0, 1, 2], "val");
    expect(takeShots(data({ val, test }), 2, 0).splits.val).toBe(val);
  });

  it("name the class that has too few", () => {
    expect(() => takeShots(data({ test }), 21, 0)).toThrow(/"a" has 20 training images and cannot give 21/);
    expect(() => takeShots(data(), 11, 0)).toThrow(/has 10 training images, the other half/);
  });
});
