import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/errors.js";
import { shareInterval } from "../../src/evaluate/interval.js";
import { parsePrediction, predictionsOf } from "../../src/evaluate/predictions.js";

describe("predictions", () => {
  const logits = Float32Array.from([2, 1, 0, 0, 5, 0]);
  const found = [...predictionsOf("val", { logits, labels: Int32Array.from([1, 1]) }, (row) => `${row}.jpg`)];

  it("name the classes from the most probable one, and the probability of the right one", () => {
    expect(found.map(({ image, label, top }) => [image, label, top.map(([index]) => index)])).toEqual([
      ["0.jpg", 1, [0, 1, 2]],
      ["1.jpg", 1, [1, 0, 2]],
    ]);
    expect(found[0]?.probability).toBeCloseTo(Math.E / (Math.E ** 2 + Math.E + 1), 5);
    expect(found[0]?.probability).toBe(found[0]?.top[1]?.[1]);
  });

  it("come back from their lines", () => {
    for (const one of found) expect(parsePrediction(JSON.stringify(one), 3, "file")).toEqual(one);
  });

  it("are refused by name where they are none", () => {
    const [good] = found;
    const bad = [
      "",
      "null",
      "[]",
      '{"split":"val"',
      JSON.stringify({ ...good, label: 3 }),
      JSON.stringify({ ...good, label: 0.5 }),
      JSON.stringify({ ...good, split: "all" }),
      JSON.stringify({ ...good, top: [] }),
      JSON.stringify({ ...good, top: [[0, 2]] }),
      JSON.stringify({ ...good, top: [[9, 0.5]] }),
      JSON.stringify({ ...good, probability: "1" }),
    ];
    for (const line of bad)
      expect(() => parsePrediction(line, 3, "run/predictions.jsonl: line 7")).toThrow(FormatError);
    expect(() => parsePrediction("{", 3, "predictions.jsonl: line 7")).toThrow("predictions.jsonl: line 7");
    fc.assert(
      fc.property(fc.json(), (line) => {
        expect(() => parsePrediction(line, 3, "file")).toThrow(FormatError);
      }),
    );
  });
});

describe("the interval of a share", () => {
  it("is Wilson's", () => {
    // statsmodels 0.14.5, proportion_confint(8, 10, method="wilson")
    const [low, high] = shareInterval(8, 10);
    expect(low).toBeCloseTo(0.490162, 5);
    expect(high).toBeCloseTo(0.943318, 5);
    expect(shareInterval(0, 0)).toEqual([0, 1]);
  });

  it("holds the share, lies within 0 and 1 and narrows with the count", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.double({ min: 0, max: 1, noNaN: true }), (count, part) => {
        const right = Math.round(part * count);
        const [low, high] = shareInterval(right, count);
        expect(low).toBeLessThanOrEqual(right / count + 1e-9);
        expect(high).toBeGreaterThanOrEqual(right / count - 1e-9);
        expect([low >= 0, high <= 1]).toEqual([true, true]);
        const [closer, wider] = [shareInterval(right * 4, count * 4), high - low];
        expect(closer[1] - closer[0]).toBeLessThan(wider);
      }),
    );
  });
});
