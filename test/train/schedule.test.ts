import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { learningRate } from "../../src/train/schedule.js";

describe("learningRate", () => {
  const schedule = { lr: 1, minLr: 0.1, warmupSteps: 4, totalSteps: 14 };

  it("rises linearly, reaches its top, and falls along half a cosine", () => {
    const rates = Array.from({ length: 14 }, (_, step) => learningRate(step, schedule));
    expect(rates.slice(0, 5)).toEqual([0.25, 0.5, 0.75, 1, 1]);
    expect(rates[9]).toBeCloseTo(0.55, 12);
    expect(rates[13]).toBeCloseTo(0.1 + 0.45 * (1 + Math.cos(0.9 * Math.PI)), 12);
  });

  it("is 1, then falls without warm-up", () => {
    expect(learningRate(0, { ...schedule, warmupSteps: 0 })).toBe(1);
    expect(learningRate(1, { ...schedule, warmupSteps: 0 })).toBeLessThan(1);
  });

  it("stays between zero and its top, never rises after warm-up, and ends above the floor", () => {
    const steps = fc.integer({ min: 1, max: 300 });
    fc.assert(
      fc.property(steps, steps, fc.double({ min: 0, max: 1, noNaN: true }), (totalSteps, warmup, minLr) => {
        const warmupSteps = Math.min(warmup, totalSteps);
        const rates = Array.from({ length: totalSteps }, (_, step) =>
          learningRate(step, { lr: 1, minLr, warmupSteps, totalSteps }),
        );
        for (const [step, rate] of rates.entries()) {
          expect(rate).toBeGreaterThan(0);
          expect(rate).toBeLessThanOrEqual(1);
          if (step > warmupSteps) expect(rate).toBeLessThanOrEqual(rates[step - 1] + 1e-15);
          if (step >= warmupSteps) expect(rate).toBeGreaterThanOrEqual(minLr - 1e-15);
        }
      }),
    );
  });
});
