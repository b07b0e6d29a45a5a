import { describe, expect, it } from "vitest";
import { methodNames } from "../../src/methods/index.js";
import { readPublished } from "../../src/platform/published.js";
import { caveatsOf, checkPublished, publishedMeans } from "../../src/suite/published.js";
import { vtabTasks } from "../../src/suite/vtab-1k.js";

const published = readPublished();
const names = vtabTasks.map(({ name }) => name);
const rowOf = (method: string) =>
  published.rows.find((row) => row.method === method) as (typeof published.rows)[number];

describe("published figures", () => {
  it("are rows of nineteen, each once, with source and protocol", () => {
    expect(published.rows.length).toBeGreaterThan(70);
    expect(new Set(published.rows.map(({ method }) => method)).size).toBe(published.rows.length);
    expect(new Set(published.rows.map(({ accuracy }) => accuracy.join())).size).toBe(published.rows.length);
    for (const { like } of published.rows) if (like) expect(methodNames).toContain(like);
    const { sources, protocols, rows } = published;
    expect(Object.keys(sources).toSorted()).toEqual([...new Set(rows.map(({ source }) => source))].toSorted());
    expect(Object.keys(protocols).toSorted()).toEqual([...new Set(rows.map(({ protocol }) => protocol))].toSorted());
  });

  it("have the means that their sources print", () => {
    for (const row of published.rows) {
      if (row.printedMean === undefined) continue;
      const { groupMean, taskMean } = publishedMeans(row, names);
      const own = row.printedMeanOf === "tasks" ? taskMean : groupMean;
      // Sources print one decimal, cut or rounded; LoRA's 74.5 is the farthest.
      expect(Math.abs(own - row.printedMean), row.method).toBeLessThan(0.11);
    }
  });

  it("agree with means that the field knows by heart", () => {
    const near = (method: string, groups: readonly number[], groupMean: number, taskMean: number) => {
      const means = publishedMeans(rowOf(method), names);
      [...means.groups.values()].forEach((mean, i) => {
        expect(mean).toBeCloseTo(groups[i] as number, 1.9);
      });
      expect([means.groupMean.toFixed(2), means.taskMean.toFixed(2)]).toEqual([
        groupMean.toFixed(2),
        taskMean.toFixed(2),
      ]);
    };
    near("Linear", [68.93, 77.15, 26.85], 57.64, 52.94);
    near("FacT-TT (r<=16)", [80.56, 84.95, 60.5], 75.34, 73.04);
    near("PACE", [84.33, 87.55, 65.14], 79.01, 76.93);
  });

  it("have means over some tasks alone", () => {
    const { groups, groupMean, taskMean } = publishedMeans(rowOf("Linear"), ["caltech101", "eurosat", "resisc45"]);
    expect(Object.fromEntries(groups)).toEqual({ natural: 85, specialized: (87.5 + 68.6) / 2 });
    expect(groupMean).toBe((85 + (87.5 + 68.6) / 2) / 2);
    expect(taskMean).toBeCloseTo((85 + 87.5 + 68.6) / 3, 12);
  });

  it("always come with caveats", () => {
    for (const row of published.rows) expect(caveatsOf(row, published).every((text) => text.length > 4)).toBe(true);
  });

  it("are refused where a figure is missing", () => {
    const [row] = published.rows;
    const cut = { ...published, rows: [{ ...row, accuracy: row?.accuracy.slice(1) }] };
    expect(() => checkPublished(cut, "file")).toThrow(/19 figures/);
  });
});
