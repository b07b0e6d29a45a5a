import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ShapeError } from "../../src/errors.js";
import {
  bestClasses,
  confusionMatrix,
  evaluateLogits,
  probabilitiesOf,
  topClasses,
} from "../../src/evaluate/metrics.js";

describe("metrics", () => {
  // Three classes, five images; logits are logs of these probabilities.
  const rows = [
    [0.7, 0.2, 0.1], // right class 0: right
    [0.5, 0.3, 0.2], // right class 1: wrong
    [0.1, 0.8, 0.1], // right class 1: right
    [0.3, 0.3, 0.4], // right class 0: wrong
    [0.6, 0.3, 0.1], // right class 0: right
  ];
  const labels = [0, 1, 1, 0, 0];
  const logits = rows.flat().map(Math.log);
  const result = evaluateLogits(logits, labels, 3);

  it("equal numbers worked out by hand", () => {
    expect(result.top1).toBeCloseTo(3 / 5, 12);
    expect(result.top5).toBe(1);
    // Recall: class 0 2/3, class 1 1/2; class 2 does not occur.
    expect(result.balancedAccuracy).toBeCloseTo((2 / 3 + 1 / 2) / 2, 12);
    // F1: class 0 TP 2 FP 1 FN 1: 4/6; class 1 TP 1 FP 0 FN 1: 2/3; class 2 is predicted once, wrongly: 0.
    expect(result.macroF1).toBeCloseTo((2 / 3 + 2 / 3 + 0) / 3, 12);
    expect(result.nll).toBeCloseTo(
      -(Math.log(0.7) + Math.log(0.3) + Math.log(0.8) + Math.log(0.3) + Math.log(0.6)) / 5,
      12,
    );
    // Every image is alone in its bin here: 0.7, 0.5, 0.8, 0.4, 0.6 lie in bins 11, 8, 12, 6, 9.
    expect(result.calibrationError).toBeCloseTo((0.3 + 0.5 + 0.2 + 0.4 + 0.4) / 5, 12);
  });

  it("weigh a full bin by accuracy less confidence", () => {
    const confident = Array.from({ length: 10 }, () => [Math.log(0.8), Math.log(0.2)]).flat();
    const right = evaluateLogits(confident, [0, 0, 0, 0, 0, 0, 0, 0, 1, 1], 2);
    expect(right.calibrationError).toBeCloseTo(0, 12);
    expect(evaluateLogits(confident, new Array<number>(10).fill(1), 2).calibrationError).toBeCloseTo(0.8, 12);
  });

  it("leave a class out of macro-F1 that is neither right nor predicted anywhere", () => {
    expect(evaluateLogits([5, 0, 0, 0, 5, 0], [0, 1], 3).macroF1).toBe(1);
  });

  it("count the best five", () => {
    const ramp = [6, 5, 4, 3, 2, 1];
    expect(evaluateLogits([...ramp, ...ramp], [4, 5], 6).top5).toBe(0.5);
  });

  it("hold for logits far apart", () => {
    const far = evaluateLogits([1000, 0, 0, 1000], [0, 0], 2);
    expect([far.nll, far.top1]).toEqual([500, 0.5]);
  });

  it("refuse logits that do not fit the labels, and none at all", () => {
    expect(() => evaluateLogits([1, 2, 3], [0, 1], 2)).toThrow(ShapeError);
    expect(() => evaluateLogits([], [], 2)).toThrow(ShapeError);
  });

  it("do not depend on the order of the images, nor on a shift of the logits", () => {
    const image = fc.record({
      row: fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 4, maxLength: 4 }),
      label: fc.nat(3),
    });
    fc.assert(
      fc.property(
        fc.array(image, { minLength: 1, maxLength: 30 }),
        fc.integer({ min: -50, max: 50 }),
        (images, shift) => {
          const of = (list: typeof images, by: number) =>
            evaluateLogits(
              list.flatMap(({ row }) => row.map((x) => x + by)),
              list.map(({ label }) => label),
              4,
            );
          const [plain, turned] = [of(images, 0), of([...images].reverse(), shift)];
          for (const key of Object.keys(plain) as (keyof typeof plain)[])
            expect(turned[key]).toBeCloseTo(plain[key], 9);
          expect(plain.top1).toBeLessThanOrEqual(plain.top5);
          expect(plain.calibrationError).toBeLessThanOrEqual(1);
        },
      ),
    );
  });
});

describe("the parts of the metrics", () => {
  it("count right and predicted classes, and take the first of equal ones", () => {
    expect(Array.from(bestClasses([1, 1, 0, 2], 2))).toEqual([0, 1]);
    expect(Array.from(confusionMatrix([0, 1, 1], [0, 0, 1], 2))).toEqual([1, 1, 0, 1]);
    expect(topClasses([0.1, 0.5, 0.1, 0.3], 3)).toEqual([1, 3, 0]);
  });

  it("make probabilities that sum to 1", () => {
    expect(Array.from(probabilitiesOf([0, Math.log(3), 900, 900], 2))).toEqual(
      [0.25, 0.75, 0.5, 0.5].map((p) => expect.closeTo(p, 12)),
    );
  });
});
