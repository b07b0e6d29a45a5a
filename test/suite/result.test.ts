import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/errors.js";
import { parseResults, printResults, type TrialLine } from "../../src/suite/result.js";
import { layoutFigure } from "../../src/suite/text-figure.js";

const line = (trial: string): TrialLine =>
  ({ trial, task: "t", method: "m", seed: 0, lr: 1, scores: {} }) as unknown as TrialLine;

describe("a results file", () => {
  it("is read as it was written; the later line of a trial counts", () => {
    const lines = [line("a"), line("b"), { ...line("a"), seed: 3 }];
    const read = parseResults(printResults(lines), "f");
    expect([...read.values()]).toEqual([lines[2], lines[1]]);
    expect(parseResults(printResults(read.values()), "f")).toEqual(read);
  });

  it("names the line that is damaged, whatever it holds", () => {
    expect(() => parseResults(`${printResults([line("a")])}{"trial":`, "f.jsonl")).toThrow(/f.jsonl, line 2/);
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        try {
          parseResults(text, "f");
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
    );
  });
});

describe("a figure in letters", () => {
  const figure = {
    title: "t",
    x: { label: "shots" },
    y: { label: "top-1", format: (value: number) => value.toFixed(1) },
    series: [
      { name: "one", points: [1, 2, 16].map((x, i) => ({ x, y: i / 2 })) },
      {
        name: "two",
        points: [
          { x: 2, y: 1 },
          { x: 16, y: Number.NaN },
        ],
      },
    ],
  };
  it("has a column for each x and a mark for each value", () => {
    const text = layoutFigure(figure, 60);
    expect(text[1]).toMatch(/^1\.0 │ +○ +●$/);
    expect(text.at(-4)).toMatch(/└─+$/);
    expect(text.at(-3)).toMatch(/1 +2 +16 +shots/);
    expect(text.slice(1, 13).join("").match(/●/g)).toHaveLength(3);
    expect(text.slice(-2)).toEqual(["  ● one", "  ○ two"]);
    for (const width of [20, 80, 120])
      for (const row of layoutFigure(figure, width)) expect(row.length).toBeLessThanOrEqual(Math.max(30, width));
  });
  it("stays calm where there is nothing", () => {
    expect(layoutFigure({ ...figure, series: [] }, 80)).toEqual(["t", "  nothing to show yet"]);
  });
});
