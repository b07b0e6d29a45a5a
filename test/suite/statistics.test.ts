import { describe, expect, it } from "vitest";
import { meanOf, pairedInterval, spreadOf, studentQuantile } from "../../src/suite/statistics.js";

describe("statistics", () => {
  it("mean and deviation of the sample", () => {
    expect(spreadOf([1, 2, 3, 4])).toEqual({ mean: 2.5, sd: Math.sqrt(5 / 3), count: 4 });
    expect(spreadOf([7])).toEqual({ mean: 7, sd: Number.NaN, count: 1 });
    expect(meanOf([])).toBeNaN();
  });

  // Two-sided 95 % and 99 % points as statistical tables print them.
  it.each([
    [1, 12.7062, 63.6567],
    [2, 4.3027, 9.9248],
    [3, 3.1824, 5.8409],
    [4, 2.7764, 4.6041],
    [5, 2.5706, 4.0321],
    [10, 2.2281, 3.1693],
    [29, 2.0452, 2.7564],
    [120, 1.9799, 2.6174],
  ])("Student's t with %i degrees of freedom", (freedom, t95, t99) => {
    expect(studentQuantile(0.95, freedom)).toBeCloseTo(t95, 4);
    expect(studentQuantile(0.99, freedom)).toBeCloseTo(t99, 4);
  });

  it("an interval of paired differences, by hand", () => {
    // Differences 1, 2, 3: mean 2, sd 1, half 4.3027 / √3.
    const { mean, low, high, count } = pairedInterval([1, 2, 3]);
    expect([mean, count]).toEqual([2, 3]);
    expect(high - mean).toBeCloseTo(4.30265 / Math.sqrt(3), 4);
    expect(mean - low).toBeCloseTo(high - mean, 12);
    expect(pairedInterval([5])).toEqual({ mean: 5, low: -Infinity, high: Infinity, count: 1 });
  });
});
