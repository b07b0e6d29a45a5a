import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../../src/errors.js";
import { classWeightsOf, imageWeights } from "../../src/train/class-weights.js";

const labelsOf = (...counts: number[]): number[] => counts.flatMap((count, label) => new Array(count).fill(label));
const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0);

describe("classWeightsOf", () => {
  it("is nothing for none", () => {
    expect(classWeightsOf("none", 0.999, [0, 1], 2)).toBeUndefined();
  });

  it("balanced gives every class the same part of the whole", () => {
    expect(Array.from(classWeightsOf("balanced", 0, labelsOf(5, 3, 2), 3) ?? [])).toEqual([10 / 15, 10 / 9, 10 / 6]);
    fc.assert(
      fc.property(fc.array(fc.nat(30), { minLength: 1 }), (counts) => {
        fc.pre(sum(counts) > 0);
        const weights = classWeightsOf("balanced", 0, labelsOf(...counts), counts.length) ?? [];
        const parts = counts.map((count, label) => count * (weights[label] as number)).filter((part) => part > 0);
        for (const part of parts) expect(part).toBeCloseTo(sum(counts) / parts.length, 9);
      }),
    );
  });

  it("effective is proportional to 1/E of the paper, with mean 1", () => {
    const weights = Array.from(classWeightsOf("effective", 0.999, labelsOf(5, 10, 100, 0, 1), 5) ?? []);
    // (1 − β) / (1 − βⁿ) by numpy; the class without images weighs 1.
    const inverse = [0.2004004, 0.10045083, 0.01050334, 0, 1];
    const mean = sum(inverse) / 4;
    for (const [i, value] of inverse.entries()) expect(weights[i]).toBeCloseTo(i === 3 ? 1 : value / mean, 6);
  });

  it("effective goes from all alike to balanced as β grows", () => {
    const labels = labelsOf(50, 7, 3);
    expect(Array.from(classWeightsOf("effective", 0, labels, 3) ?? [])).toEqual([1, 1, 1]);
    const near = classWeightsOf("effective", 1 - 1e-12, labels, 3) as Float64Array;
    const balanced = classWeightsOf("balanced", 0, labels, 3) as Float64Array;
    for (const i of [1, 2]) expect((near[i] as number) / (near[0] as number)).toBeCloseTo(balanced[i] / balanced[0], 6);
  });

  it("takes a list, and refuses one that does not fit", () => {
    expect(classWeightsOf([1, 0], 0, [0, 0, 1], 2)).toEqual(Float64Array.of(1, 0));
    expect(() => classWeightsOf([1, 2, 3], 0, [0, 1], 2)).toThrow(ConfigError);
    expect(() => classWeightsOf([1, 2, 3], 0, [0, 1], 2)).toThrow("one number for each of the 2 classes, got 3");
    expect(() => classWeightsOf([0, 2], 0, [0, 0], 2)).toThrow("every training image the weight 0");
  });
});

describe("imageWeights", () => {
  it("are those of a mean without class weights, bit for bit", () => {
    expect(imageWeights(Int32Array.of(2, 0, 1), undefined)).toEqual(Float64Array.of(1 / 3, 1 / 3, 1 / 3));
  });
  it("sum to 1 in every batch, in proportion to the classes' weights", () => {
    expect(imageWeights(Int32Array.of(0, 1, 1), Float64Array.of(2, 3))).toEqual(Float64Array.of(2 / 8, 3 / 8, 3 / 8));
  });
  it("mix as the images do", () => {
    const second = { labels: Int32Array.of(1, 0), share: 0.25 };
    expect(imageWeights(Int32Array.of(0, 0), Float64Array.of(1, 5), second)).toEqual(Float64Array.of(2 / 3, 1 / 3));
  });
  it("are zero where the whole batch weighs nothing", () => {
    expect(imageWeights(Int32Array.of(1, 1), Float64Array.of(1, 0))).toEqual(Float64Array.of(0, 0));
  });
});
