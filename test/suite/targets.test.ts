import { describe, expect, it } from "vitest";
import { judgeTarget, matchClasses } from "../../src/suite/targets.js";

describe("classes of a target", () => {
  const known = ["n01", "n02", "n03", "n04"];
  it("are found by name, all or some", () => {
    expect(matchClasses(known, known, "t")).toEqual({ places: [0, 1, 2, 3], isSubset: false });
    expect(matchClasses(["n03", "n01"], known, "t")).toEqual({ places: [2, 0], isSubset: true });
  });
  it("are found by number, in the order of numbers and not of letters", () => {
    expect(
      matchClasses(
        ["0", "1", "10", "2"],
        Array.from({ length: 11 }, (_, i) => `c${i}`),
        "t",
      ).places,
    ).toEqual([0, 1, 10, 2]);
  });
  it("are refused where a target with some of them may have counted its own", () => {
    expect(() => matchClasses(["0", "1", "2"], known, "imagenet-a")).toThrow(
      /imagenet-a: its 3 classes are called 0 to 2/,
    );
    expect(matchClasses(["1", "3"], known, "t").places).toEqual([1, 3]);
  });
  it("must be known", () => {
    expect(() => matchClasses(["n01", "zebra"], known, "targets/a")).toThrow(/targets\/a: the class "zebra"/);
    expect(() => matchClasses(["4"], known, "t")).toThrow(/"4"/);
  });
});

describe("scoring of a target", () => {
  // Three images over four classes; the target has the classes 2 and 0, in this order.
  const scored = {
    logits: Float32Array.from([0, 9, 5, 0, 3, 0, 1, 9, 7, 0, 0, 0]),
    labels: Int32Array.from([0, 1, 1]),
  };
  it("has two figures where some classes are there, each saying which", () => {
    const found = judgeTarget("a", { places: [2, 0], isSubset: true }, scored, 4);
    // Masked: 5 > 0 right, 3 > 1 right, 7 > 0 right. All: 9 at class 1 and at class 3 are wrong.
    expect(Object.fromEntries(Object.entries(found).map(([name, { top1 }]) => [name, top1]))).toEqual({
      "a (2-class mask)": 1,
      "a (all 4 logits)": 1 / 3,
    });
  });
  it("has one where all are there", () => {
    const labels = Int32Array.from([1, 3, 0]);
    const found = judgeTarget("b", { places: [0, 1, 2, 3], isSubset: false }, { ...scored, labels }, 4);
    expect(Object.entries(found).map(([name, { top1 }]) => [name, top1])).toEqual([["b", 1]]);
  });
});
