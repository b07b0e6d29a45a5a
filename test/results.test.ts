import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

interface Line {
  readonly role: "search" | "result";
  readonly task: string;
  readonly method: string;
  readonly seed: number;
  readonly test: { readonly top1: number };
}
const read = (path: string): string => readFileSync(path, "utf8");
const rowsOf = (text: string): string[] => text.split("\n").filter((line) => /^\| (eurosat|sign-digits) /.test(line));

describe("the table of what SaS reaches", () => {
  const lines = read("results/it-learns.jsonl")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
  const rows = rowsOf(read("results/it-learns.md"));

  it("says what the raw file holds", () => {
    expect(rows).toHaveLength(4);
    for (const row of rows) {
      const [, task, method, , , spread] = row.split("|").map((cell) => cell.trim());
      const own = lines.filter((line) => line.role === "result" && line.task === task && line.method === method);
      expect(own.map(({ seed }) => seed)).toEqual([0, 1, 2]);
      const scores = own.map(({ test }) => 100 * test.top1);
      const mean = scores.reduce((a, b) => a + b, 0) / 3;
      const deviation = Math.sqrt(scores.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 2);
      expect(spread).toBe(`${mean.toFixed(1)} ± ${deviation.toFixed(1)}`);
    }
  });

  it("is the one in the README", () => {
    expect(rowsOf(read("README.md"))).toEqual(rows);
  });
});

describe("tables and figures of the comparisons", () => {
  it("are those that the raw lines give (node results/tables.mjs writes them)", async () => {
    const made = await import(new URL("../results/tables.mjs", import.meta.url).href);
    const { generated } = made as { generated(): readonly (readonly [path: string, text: string])[] };
    for (const [path, text] of generated()) expect(read(path), path).toBe(text);
  });
});
