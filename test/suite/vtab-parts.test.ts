import { describe, expect, it } from "vitest";
import { vtabTasks } from "../../src/data/vtab-tasks.js";
import { readPublished } from "../../src/platform/published.js";
import { textOfTable } from "../../src/suite/part.js";
import type { TrialLine } from "../../src/suite/result.js";
import { layoutTable } from "../../src/suite/text-table.js";
import { groupOf, isOfficialSample } from "../../src/suite/vtab-1k.js";
import { type Sample, vtabParts } from "../../src/suite/vtab-parts.js";

const published = readPublished();
const metrics = { top1: 0.9, top5: 1, balancedAccuracy: 0.9, macroF1: 0.9, calibrationError: 0, nll: 1 };
const line = (task: string, method: string): TrialLine =>
  ({
    trial: `${task}-${method}`,
    task,
    method,
    seed: 0,
    config: { method },
    trainable: 10,
    head: 5,
    val: metrics,
    images: { train: 800, val: 200, test: 5400 },
    scores: { test: { last: metrics, best: metrics } },
  }) as unknown as TrialLine;
const protocol = {
  architecture: "vit_base_patch16_224",
  imageSize: 224,
  epochs: 100,
  seeds: 1,
  final: false,
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
};
const official = (name: string): Sample => {
  const task = vtabTasks.find((one) => one.name === name) as (typeof vtabTasks)[number];
  return { name, classes: task.classes, images: { train: 800, val: 200, test: task.testImages } };
};
const publishedOf = (samples: readonly Sample[], asked: "matching" | "all" | "none" = "matching") => {
  const tasks = samples.map(({ name }) => name);
  const lines = tasks.flatMap((task) => [line(task, "lora"), line(task, "sas")]);
  const material = { lines, tasks, methods: ["lora", "sas"], groupOf };
  return vtabParts(material, [], samples, protocol, published, asked).find(({ id }) => id === "published");
};

describe("published rows in the report of VTAB-1k", () => {
  it("stand beside the official sample, with remarks and with means over the same tasks", () => {
    const part = publishedOf([official("eurosat"), official("caltech101")]);
    const rows = part?.table?.rows ?? [];
    expect(rows.map(([name]) => name)).toContain("LoRA (r=8, NOAH re-implementation)");
    expect(rows.every(([name]) => String(name).includes("LoRA"))).toBe(true);
    const row = rows.find(([name]) => String(name).startsWith("LoRA (r=8, NOAH"));
    // Caltech101 91.4, EuroSAT 95.3.
    const texts = row?.map((cell) => (typeof cell === "string" ? cell : cell.text));
    expect(texts?.slice(1, 6)).toEqual(["290,000", "95.3", "91.4", "93.3", "93.3"]);
    expect(texts?.[6]).toMatch(/^\d+( \d+)+$/);
    for (const code of texts?.[6]?.split(" ") ?? []) {
      expect(part?.notes?.some((note) => note.startsWith(`${code}  `))).toBe(true);
    }
    expect(part?.notes?.[0]).toContain(
      "mean 0.5 and deviation 0.5, 100 epochs, 1 seed, trained on train800, the last epoch",
    );
    const text = layoutTable(
      textOfTable(part?.title ?? "", part?.table as NonNullable<typeof part>["table"] & object),
      80,
    );
    expect(Math.max(...text.map((one) => one.length))).toBeLessThanOrEqual(80);
  });

  it("are all shown where all are asked for, and none where none are", () => {
    expect(publishedOf([official("eurosat")], "all")?.table?.rows).toHaveLength(published.rows.length);
    expect(publishedOf([official("eurosat")], "none")).toBeUndefined();
  });

  it.each(["matching", "all"] as const)("never stand beside an own sample, nor beside another task (%s)", (asked) => {
    const cut = { ...official("eurosat"), images: { train: 800, val: 200, test: 2000 } };
    for (const samples of [
      [official("caltech101"), cut],
      [official("caltech101"), { ...official("eurosat"), isOwn: true }],
      [official("eurosat"), { name: "drawn:count", classes: 6, images: cut.images }],
    ]) {
      const part = publishedOf(samples, asked);
      expect(part?.table).toBeUndefined();
      expect(part?.notes?.join(" ")).toMatch(
        /own sample: eurosat (has 1000 \+ 2000|was drawn anew)|not of VTAB-1k: drawn:count/,
      );
    }
  });

  it("never stand beside trials that were trained on a part of the sample", () => {
    const lines = [{ ...line("eurosat", "lora"), images: { train: 40, val: 200, test: 5400 } }];
    const material = { lines, tasks: ["eurosat"], methods: ["lora"], groupOf };
    const parts = vtabParts(material, [], [official("eurosat")], protocol, published, "all");
    const part = parts.find(({ id }) => id === "published");
    expect(part?.table).toBeUndefined();
    expect(part?.notes?.[0]).toContain("eurosat has 240 + 5400 images");
  });

  it("takes no sample of other sizes for the official one", () => {
    const images = { train: 800, val: 200, test: 5400 };
    expect(isOfficialSample("eurosat", 10, images)).toBe(true);
    expect(isOfficialSample("eurosat", 10, { ...images, train: 1000, val: 0 })).toBe(true);
    expect(isOfficialSample("eurosat", 9, images)).toBe(false);
    expect(isOfficialSample("eurosat", 10, { ...images, train: 801 })).toBe(false);
    expect(isOfficialSample("flowers", 10, images)).toBe(false);
  });
});
