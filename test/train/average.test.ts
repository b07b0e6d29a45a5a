import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tensor } from "../../src/graph/tensor.js";
import { averageDecay, follow } from "../../src/train/average.js";
import type { Tensors } from "../../src/train/checkpoint.js";

const vector = (...values: number[]) => tensor("float32", [values.length], Float32Array.from(values));
const valuesOf = (tensors: Tensors): number[] => Array.from(tensors.w?.data ?? [], Number);

describe("averageDecay", () => {
  it("is timm's ModelEmaV3 with warm-up (1.0.31)", () => {
    const wanted = [0, 0.3700394750525634, 0.5192501432308638, 0.7845565309968117, 0.8986651402454389, 0.9, 0.9];
    for (const [i, update] of [1, 2, 3, 10, 31, 32, 1000].entries()) {
      expect(averageDecay(update, 0.9)).toBeCloseTo(wanted[i] as number, 14);
    }
  });
});

describe("follow", () => {
  it("begins with the parameters of the first update", () => {
    const parameters = { w: vector(1, 2) };
    expect(follow(null, parameters, 0.5)).toBe(parameters);
    expect(follow({ w: vector(9, 9) }, parameters, averageDecay(1, 0.99))).toBe(parameters);
  });

  it("is the sum of what was there, weighted by how long ago it was", () => {
    const history = [3, -1, 4, 1, -5];
    let average: Tensors | null = null;
    for (const value of history) average = follow(average, { w: vector(value) }, 0.75);
    const weights = history.map((_, i) => 0.75 ** (4 - i) * (i === 0 ? 1 : 0.25));
    expect(valuesOf(average ?? {})[0]).toBeCloseTo(
      history.reduce((sum, value, i) => sum + value * (weights[i] as number), 0),
      6,
    );
  });

  it("stays between the old average and the parameters, and leaves both as they were", () => {
    const number = fc.float({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(number, number, fc.double({ min: 0.001, max: 0.999, noNaN: true }), (a, p, d) => {
        const [average, parameters] = [{ w: vector(a) }, { w: vector(p) }];
        const [next] = valuesOf(follow(average, parameters, d)) as [number];
        expect(next).toBeGreaterThanOrEqual(Math.min(a, p));
        expect(next).toBeLessThanOrEqual(Math.max(a, p));
        expect([valuesOf(average), valuesOf(parameters)]).toEqual([[a], [p]]);
      }),
    );
  });
});
