import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { scaleOf } from "../../src/report/scale.js";

const range = [0, 100] as const;
const finite = fc.double({ min: -1e6, max: 1e6, noNaN: true });

describe("scales", () => {
  it("write round values", () => {
    expect(scaleOf([0.3, 9.2], { range }).ticks).toEqual([0, 2, 4, 6, 8, 10]);
    expect(scaleOf([0.61, 0.78], { range, from: 0, to: 1 }).ticks).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(scaleOf([37_000, 85_800_000], { range, scale: "log" }).ticks).toEqual([1e5, 1e6, 1e7, 1e8]);
    expect(scaleOf([1, 16], { range, scale: "log" }).ticks).toEqual([1, 2, 5, 10]);
    expect(scaleOf([1, 16], { range, scale: "log", ticks: [1, 16] }).ticks).toEqual([1, 16]);
  });

  it("write numbers beside a single value, or a few that are close", () => {
    expect(scaleOf([0, 18_432], { range, scale: "log" }).ticks).toEqual([0, 1e4, 2e4, 5e4, 1e5]);
    expect(scaleOf([1100, 1200], { range, scale: "log" }).ticks).toEqual([1000, 2000, 5000, 10_000]);
    expect(scaleOf([1900, 2100], { range, scale: "log" }).ticks).toEqual([2000]);
  });

  it("go no further than values can be, unless the data do", () => {
    expect(scaleOf([0.75, 0.75], { range, possible: [0, 1] }).ticks).toEqual([0.2, 0.4, 0.6, 0.8, 1]);
    expect(scaleOf([0, 0], { range, possible: [0, 1] }).ticks).toEqual([0, 0.5, 1]);
    expect(scaleOf([0.9, 1.04], { range, possible: [0, 1] }).at(1.04)).toBeCloseTo(100, 6);
  });

  it("give what is not positive a place of its own on a logarithmic axis", () => {
    const scale = scaleOf([0, 100, 1e6], { range, scale: "log" });
    expect(scale.ticks[0]).toBe(0);
    expect(scale.at(0)).toBeGreaterThanOrEqual(0);
    expect(scale.at(0)).toBeLessThan(scale.at(100));
    expect(scale.at(1e6)).toBeLessThanOrEqual(100);
  });

  it("leave out the room below all but the lowest values, where they may and it is large", () => {
    const values = [58, 77, 80, 83, 86];
    const { at, ticks, gap } = scaleOf(values, { range, canBreak: true });
    expect(ticks).toEqual([58, 76, 78, 80, 82, 84, 86]);
    expect(at(58)).toBeLessThan(gap ?? 0);
    expect(at(76)).toBeGreaterThan(gap ?? 100);
    expect(at(86) - at(77)).toBeGreaterThan(70);
    expect(scaleOf(values, { range }).ticks).toEqual([50, 60, 70, 80, 90]);
    // Too many below, too far apart, too near, or nothing to tell apart above.
    for (const kept of [
      [58, 59, 77],
      [50, 58, 77, 80, 86],
      [70, 77, 80, 86],
      [58, 77, 77],
      [-2e-16, 0, 1e-16],
    ]) {
      expect(scaleOf(kept, { range, canBreak: true }).gap, String(kept)).toBeUndefined();
    }
  });

  it("have one slope on both sides of a break, and room for what lies below", () => {
    const { at } = scaleOf([58, 59, 77, 80, 83, 86], { range, canBreak: true });
    expect(at(59) - at(58)).toBeCloseTo(at(78) - at(77), 9);
    const offsets = fc.uniqueArray(fc.integer({ min: 0, max: 20 }), { minLength: 2, maxLength: 5 });
    fc.assert(
      fc.property(offsets, (own) => {
        const below = own.map((offset) => 40 + offset / 8);
        const above = [...own, ...own].map((offset) => 90 + offset);
        const { at, gap = Number.NaN } = scaleOf([...below, ...above], { range, canBreak: true });
        for (const place of below.map(at)) {
          expect(place).toBeGreaterThanOrEqual(0);
          expect(place).toBeLessThan(gap);
        }
        for (const place of above.map(at)) expect(place).toBeGreaterThan(gap);
      }),
    );
  });

  it("keep order and stay inside, with ticks inside, whatever the values", () => {
    fc.assert(
      fc.property(
        fc.array(finite, { maxLength: 20 }),
        fc.constantFrom("linear" as const, "log" as const),
        fc.boolean(),
        (values, scale, canBreak) => {
          const { at, ticks } = scaleOf(values, { range, scale, canBreak });
          const places = values.toSorted((a, b) => a - b).map(at);
          for (const [i, place] of places.entries()) {
            expect(place).toBeGreaterThanOrEqual(-1e-6);
            expect(place).toBeLessThanOrEqual(100 + 1e-6);
            if (i > 0) expect(place).toBeGreaterThanOrEqual((places[i - 1] as number) - 1e-9);
          }
          expect(ticks.length).toBeLessThan(30);
          for (const tick of ticks) {
            expect(at(tick)).toBeGreaterThanOrEqual(-1e-6);
            expect(at(tick)).toBeLessThanOrEqual(100 + 1e-6);
          }
        },
      ),
    );
  });
});
