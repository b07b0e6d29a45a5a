import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isFinished, parseResults, type TrialLine } from "../src/suite/result.js";
import { nameOfLine } from "./support/trial-name.js";

const read = (path: string): string => readFileSync(path, "utf8");
const files = readdirSync("results")
  .map((name) => `results/${name}/results.jsonl`)
  .filter((path) => existsSync(path));
const linesOf = (path: string): readonly TrialLine[] => [...parseResults(read(path), path).values()].filter(isFinished);

describe("published results", () => {
  it.each(files)("%s names every trial by what decided it", async (path) => {
    for (const line of linesOf(path)) expect(await nameOfLine(line)).toBe(line.trial);
  });

  it("are none twice", () => {
    const names = files.flatMap((path) =>
      read(path)
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).trial as string),
    );
    expect(new Set(names).size).toBe(names.length);
  });

  it("are of one backbone and the same images wherever a table puts them side by side", () => {
    const seen = new Map<string, string>();
    const expectOne = (what: readonly unknown[], digest: string | undefined): void => {
      const key = JSON.stringify(what);
      expect(digest, key).toBe(seen.get(key) ?? digest);
      seen.set(key, digest ?? "");
    };
    for (const { task, architecture, seed, digests, targets } of files.flatMap(linesOf)) {
      expectOne([architecture, "backbone"], digests.backbone);
      // A seed may draw which images are trained on; it never draws what is scored.
      expectOne([architecture, task, seed, "data"], digests.data);
      for (const [target, digest] of Object.entries(targets ?? {})) expectOne([architecture, task, target], digest);
    }
  });

  it("are what the tables and figures show (node results/tables.mjs writes them)", async () => {
    const made = await import(new URL("../results/tables.mjs", import.meta.url).href);
    const { generated } = made as { generated(): readonly (readonly [path: string, text: string])[] };
    for (const [path, text] of generated()) expect(read(path), path).toBe(text);
    const figures = readdirSync("results", { recursive: true, encoding: "utf8" }).filter((path) => /\.svg$/.test(path));
    const known = generated().map(([path]) => path);
    expect(figures.map((path) => join("results", path)).filter((path) => !known.includes(path))).toEqual([]);
  });

  it("give the README's means and deviations, computed once more", () => {
    const table = /<!-- results: comparison summary -->\n([\s\S]*?)<!-- end -->/.exec(read("README.md"))?.[1] ?? "";
    const [head = [], , ...rows] = table
      .trim()
      .split("\n")
      .map((row) => row.split("|").map((cell) => cell.trim()));
    expect(rows.map(([, method]) => method)).toEqual(["linear", "sas", "sas:rank=8,embedding=8", "lora", "ssf"]);
    const lines = linesOf("results/comparison/results.jsonl");
    /** Whether a cell shows mean and deviation of three figures; a tie may be rounded either way. */
    const expectShown = (cell: string | undefined, scores: readonly number[]): void => {
      const mean = scores.reduce((a, b) => a + b) / 3;
      const deviation = Math.sqrt(scores.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 2);
      const [shown, spread] = (cell ?? "").split(" ± ").map(Number);
      expect(Math.abs((shown ?? Number.NaN) - mean)).toBeLessThan(0.0501);
      expect(Math.abs((spread ?? Number.NaN) - deviation)).toBeLessThan(0.0501);
    };
    for (const [, method, , overall, ...cells] of rows) {
      const tasks = head.slice(4, -1);
      const means = [0, 0, 0];
      for (const [i, task] of tasks.entries()) {
        const own = lines.filter((line) => line.role === "result" && line.task === task && line.method === method);
        expect(own.map(({ seed }) => seed).sort()).toEqual([0, 1, 2]);
        const scores = own.map(({ scores }) => 100 * (scores.test?.last.top1 ?? Number.NaN));
        expectShown(cells[i], scores);
        for (const { seed, scores } of own)
          means[seed] += (100 * (scores.test?.last.top1 ?? Number.NaN)) / tasks.length;
      }
      expectShown(overall, means);
    }
  });
});
