import { describe, expect, it } from "vitest";
import type { Metrics } from "../../src/evaluate/metrics.js";
import { comparisonParts } from "../../src/suite/parts.js";
import type { TrialLine } from "../../src/suite/result.js";
import { tableOf } from "../../src/suite/table.js";
import { layoutTable, wrapText } from "../../src/suite/text-table.js";
import { groupOf } from "../../src/suite/vtab-1k.js";

const metrics = (top1: number): Metrics => ({
  top1,
  top5: 1,
  balancedAccuracy: top1,
  macroF1: top1,
  calibrationError: 0,
  nll: 1,
});
const line = (method: string, task: string, seed: number, last: number, best: number | null = last): TrialLine => ({
  trial: `${method}-${task}-${seed}`,
  suite: "vtab-1k",
  task,
  method,
  seed,
  role: "result",
  config: {},
  options: {},
  lr: 1e-3,
  headLr: 1e-3,
  trainable: method === "linear" ? 0 : 2352,
  head: task === "eurosat" ? 1930 : 19_686,
  total: 5_500_000,
  architecture: "vit_tiny_patch16_224",
  val: metrics(last),
  bestEpoch: best === null ? null : { epoch: 3, val: metrics(best) },
  scores: { test: { last: metrics(last), best: best === null ? null : metrics(best) } },
  targets: {},
  images: { train: 800, val: 200, test: 100 },
  versions: {},
  digests: { data: "", backbone: "" },
  device: "cpu",
  threads: 2,
  seconds: 1,
  wallSeconds: 2,
});

// eurosat and resisc45 are specialized, caltech101 is natural.
const tasks = ["caltech101", "eurosat", "resisc45"];
const lines = [
  line("linear", "caltech101", 0, 0.8, 0.82),
  line("linear", "caltech101", 1, 0.84, 0.84),
  line("linear", "eurosat", 0, 0.7),
  line("linear", "eurosat", 1, 0.74),
  line("linear", "resisc45", 0, 0.5),
  line("linear", "resisc45", 1, 0.5, 0.56),
  line("sas", "caltech101", 0, 0.85),
  line("sas", "caltech101", 1, 0.86),
  line("sas", "eurosat", 0, 0.8),
  line("sas", "eurosat", 1, 0.9, null),
];
const options = { tasks, methods: ["linear", "sas", "lora"], groupOf };

describe("a table", () => {
  const [linear, sas, ...rest] = tableOf(lines, options);

  it("has a row for each method with results", () => {
    expect([linear?.method, sas?.method, rest]).toEqual(["linear", "sas", []]);
    expect([linear?.trainable, linear?.withHead]).toEqual([0, (2 * 1930 + 4 * 19_686) / 6]);
  });

  it("has means and deviations over seeds", () => {
    const caltech = linear?.fields.get("caltech101");
    expect(caltech?.last.mean).toBeCloseTo(0.82, 12);
    expect(caltech?.last.sd).toBeCloseTo(0.02 * Math.SQRT2, 12);
    expect(caltech?.best?.mean).toBeCloseTo(0.83, 12);
    expect(sas?.fields.get("eurosat")?.best).toBeUndefined();
  });

  it("has the mean of groups and the mean of tasks, seed by seed", () => {
    // Seed 0: natural 80, specialized 60; seed 1: 84 and 62.
    expect(linear?.groups.get("natural")?.mean).toBeCloseTo(0.82, 12);
    expect(linear?.groups.get("specialized")?.mean).toBeCloseTo(0.61, 12);
    expect(linear?.groupMean?.mean).toBeCloseTo((0.7 + 0.73) / 2, 12);
    expect(linear?.groupMean?.sd).toBeCloseTo(0.03 / Math.SQRT2, 12);
    expect(linear?.taskMean?.mean).toBeCloseTo((2 / 3 + 2.08 / 3) / 2, 12);
    expect(linear?.bestTaskMean?.mean).toBeCloseTo(((0.82 + 0.7 + 0.5) / 3 + (0.84 + 0.74 + 0.56) / 3) / 2, 12);
  });

  it("has no mean where a task is missing", () => {
    expect([sas?.groupMean, sas?.taskMean, sas?.groups.has("specialized")]).toEqual([undefined, undefined, false]);
    expect(sas?.groups.get("natural")?.mean).toBeCloseTo(0.855, 12);
  });
});

describe("the parts of a report", () => {
  const parts = comparisonParts({ lines, tasks, methods: ["linear", "sas"], groupOf }, []);
  const part = (id: string) => parts.find((one) => one.id === id);

  it("print percent with deviations, and a dash where nothing is known", () => {
    const rows = part("tasks")?.table?.rows.map((row) =>
      row.map((cell) => (typeof cell === "string" ? cell : cell.text)),
    );
    expect(rows).toEqual([
      ["linear", "82.0 ± 2.8", "72.0 ± 2.8", "50.0 ± 0.0"],
      ["sas", "85.5 ± 0.7", "85.0 ± 7.1", "–"],
    ]);
  });

  it("have paired differences over the tasks both have", () => {
    const [row] = part("differences")?.table?.rows ?? [];
    const texts = row?.map((cell) => (typeof cell === "string" ? cell : cell.text));
    // Caltech: 5, 2, mean 3.5, half 12.706 · 2.1213 / √2 = 19.06. EuroSAT: 10, 16. Mean: 7.5, 9.
    expect(texts).toEqual(["sas", "2", "+8.2 [−1.3, +17.8]", "+3.5 [−15.6, +22.6]", "+13.0 [−25.1, +51.1]", "–"]);
  });
});

describe("a table in letters", () => {
  const table = {
    title: "t",
    head: ["name", "a", "bb"],
    rows: [
      ["long name", "1.0", "2"],
      ["x", "10.0", "3 ± 1"],
    ],
  };
  it("stands in columns", () => {
    expect(layoutTable(table, 80)).toEqual([
      "t",
      "name          a     bb",
      "──────────────────────",
      "long name   1.0      2",
      "x          10.0  3 ± 1",
    ]);
  });
  it.each([1, 10, 16, 17, 22, 200])("never loses a column at %i characters", (width) => {
    const text = layoutTable(table, width).join("\n");
    for (const cell of table.rows.flat()) expect(text).toContain(cell);
    if (width >= 17) for (const line of layoutTable(table, width)) expect(line.length).toBeLessThanOrEqual(width);
  });
  it("wraps words", () => expect(wrapText("one two three", 7)).toEqual(["one two", "three"]));
});

describe("the settings chosen", () => {
  it("are named by what was searched, options as well as rates", () => {
    const tried = [0.1, 1, 10].map((scale, i) => ({
      ...line("fact-tt", "eurosat", 0, 0.5 + i / 10),
      trial: `scale ${scale}`,
      options: { rank: 4, scale },
    }));
    const chosen = tried[1] as TrialLine;
    const material = { lines: [chosen], tasks: ["eurosat"], methods: ["fact-tt"], groupOf };
    const cells = (lines: readonly TrialLine[]) =>
      comparisonParts(material, lines).find(({ id }) => id === "choices")?.table?.rows[0];
    expect(cells(tried)).toEqual(["eurosat  fact-tt", "scale 1", "scale 0.1: 50.0; scale 1: 60.0; scale 10: 70.0"]);
    expect(cells(tried.slice(0, 2))?.[1]).toBe("scale 1 (end)");
  });
});
