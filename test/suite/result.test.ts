import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/errors.js";
import { forwardOperations, operationsOf } from "../../src/suite/estimate.js";
import { parseResults, printResults, type TrialLine } from "../../src/suite/result.js";
import { layoutFigure } from "../../src/suite/text-figure.js";
import { architectureOf } from "../../src/vit/architecture.js";

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

describe("an estimate", () => {
  it("counts operations as published: ViT-Ti/16 1.26 G, ViT-B/16 17.6 G multiplications", () => {
    const [tiny, base] = ["vit_tiny_patch16_224", "vit_base_patch16_224"].map(architectureOf);
    expect(forwardOperations(tiny as never) / 2e9).toBeCloseTo(1.26, 1);
    expect(forwardOperations(base as never) / 2e9).toBeCloseTo(17.6, 0);
  });

  it("counts what a training looks at, by hand", () => {
    const architecture = architectureOf("vit_tiny_patch16_224");
    const one = forwardOperations(architecture);
    const work = {
      architecture,
      images: { train: 800, val: 200, test: 1000 },
      epochs: 10,
      isHeadAlone: false,
      trainsBackbone: false,
      scoresTest: true,
    };
    expect(operationsOf(work) / one).toBeCloseTo(10 * (1600 + 200) + 1000, 6);
    expect(operationsOf({ ...work, isHeadAlone: true, scoresTest: false }) / one).toBeCloseTo(1000, 6);
    expect(operationsOf({ ...work, trainsBackbone: true }) / one).toBeCloseTo(10 * (2400 + 200) + 1000, 6);
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
