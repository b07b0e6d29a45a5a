import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseHTML } from "linkedom";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readEvents } from "../support/event-reader.js";
import { makeTinyTask } from "../support/tiny-task.js";
import { run, start } from "./command.js";

const hostile = process.platform === "win32" ? "b & b" : "<script>alert('1')<script>";
let folder: string;
beforeAll(async () => {
  folder = await makeTinyTask();
  for (const split of ["train", "val", "test"]) {
    renameSync(join(folder, "data", split, "blue"), join(folder, "data", split, hostile));
  }
  await train("whole");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const args = (out: string, ...more: string[]) => [
  ...["train", "--backbone", "backbone", "--data", "data", "--epochs", "3", "--batch-size", "10", "--threads", "1"],
  ...["--rank", "2", "--embedding", "2", "--lr", "1e-6", "--head-lr", "1e-6", "--min-lr", "0"],
  ...["--out", out, "--json", ...more],
];
async function train(out: string, ...more: string[]): Promise<void> {
  const { code, stderr } = await run(args(out, ...more), { cwd: folder });
  expect([code, stderr]).toEqual([0, ""]);
}
const read = (...path: string[]) => readFileSync(join(folder, ...path), "utf8");
const lines = (out: string, file: string) =>
  read(out, file)
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const open = (...path: string[]) => parseHTML(read(...path)).document;
const percent = (share: number) => `${(100 * share).toFixed(1)}\u202f%`;
const eventFile = "events.out.tfevents.sas-petl";
const eventsOf = (out: string) => readEvents(readFileSync(join(folder, out, eventFile)));

describe("report.html", () => {
  it("lies in the folder of every finished run and says what result.json says", () => {
    const document = open("whole", "report.html");
    const { test, trainable } = JSON.parse(read("whole", "result.json")) as {
      test: { top1: number };
      trainable: number;
    };
    const values = [...document.querySelectorAll(".tile .value")].map(({ textContent }) => textContent);
    expect(values.slice(0, 2)).toEqual([percent(test.top1), trainable.toLocaleString("en-US")]);
    expect(statSync(join(folder, "whole", "report.html")).size).toBeLessThan(2_000_000);
    expect(document.querySelectorAll("script")).toHaveLength(1);
    expect(document.querySelector("#classes")?.textContent).toContain(hostile);
    expect(read("whole", "report.html")).not.toContain(folder);
  });

  it("is made of predictions that agree with result.json", () => {
    const { val, test } = JSON.parse(read("whole", "result.json")) as Record<"val" | "test", { top1: number }>;
    for (const [split, { top1 }] of Object.entries({ val, test })) {
      const found = lines("whole", "predictions.jsonl").filter((line) => line.split === split);
      expect(found).toHaveLength(split === "val" ? 12 : 9);
      const right = found.filter(({ label, top }) => (top as number[][])[0]?.[0] === label);
      expect(right.length / found.length).toBe(top1);
      expect(new Set(found.map(({ image }) => image)).size).toBe(found.length);
      for (const { image } of found) expect(statSync(join(folder, "data", String(image))).isFile()).toBe(true);
    }
  });

  it("is made again by its command, elsewhere, with pictures of the mistakes or without", async () => {
    const mistakes = lines("whole", "predictions.jsonl").filter(
      ({ split, label, top }) => split === "test" && (top as number[][])[0]?.[0] !== label,
    ).length;
    expect(mistakes).toBeGreaterThan(0);
    const again = await run(["report", "whole", "--out", "again.html"], { cwd: folder });
    expect(again).toEqual({ code: 0, stdout: "again.html\n", stderr: "" });
    expect(read("again.html")).toBe(read("whole", "report.html"));
    const pictures = [...open("again.html").querySelectorAll(".mistakes img")].map(
      (image) => image.getAttribute("src") ?? "",
    );
    expect(pictures).toHaveLength(mistakes);
    for (const picture of pictures) expect(picture).toMatch(/^data:image\/webp;base64,[\w+/=]{20,}$/);
    await run(["report", "whole", "--no-images", "--out", "plain.html", "--json"], { cwd: folder });
    expect(open("plain.html").querySelectorAll("img")).toHaveLength(0);
    expect(open("plain.html").querySelectorAll(".mistakes li")).toHaveLength(mistakes);
  });

  it("does without the data where that has gone", async () => {
    renameSync(join(folder, "data"), join(folder, "elsewhere"));
    const { code } = await run(["report", "whole", "--out", "gone.html"], { cwd: folder });
    renameSync(join(folder, "elsewhere"), join(folder, "data"));
    expect(code).toBe(0);
    expect(open("gone.html").querySelectorAll("img")).toHaveLength(0);
    expect(open("gone.html").querySelectorAll(".mistakes .none").length).toBeGreaterThan(0);
  });

  it("can be left out, and needs neither validation nor test images", async () => {
    cpSync(join(folder, "data/train"), join(folder, "plain/train"), { recursive: true });
    await train("bare", "--report", "none", "--epochs", "1");
    expect(readdirSync(join(folder, "bare"))).not.toContain("report.html");
    await train("plain-run", "--data", "plain", "--epochs", "1");
    expect(read("plain-run", "predictions.jsonl")).toBe("");
    expect(open("plain-run", "report.html").querySelector(".tile dt")?.textContent).toBe("Training accuracy");
  });

  it("refuses what is no run, and names damaged files", async () => {
    const none = await run(["report", "data"], { cwd: folder });
    expect([none.code, none.stdout]).toEqual([2, ""]);
    expect(none.stderr).toContain("no run folder");
    cpSync(join(folder, "whole"), join(folder, "damaged"), { recursive: true });
    writeFileSync(join(folder, "damaged/predictions.jsonl"), '{"split":"test"}\n');
    const damaged = await run(["report", "damaged"], { cwd: folder });
    expect([damaged.code, damaged.stdout]).toEqual([1, ""]);
    expect(damaged.stderr).toContain("predictions.jsonl: line 1");
    mkdirSync(join(folder, "closed"));
    const closed = await run(["report", "whole", "--out", "closed"], { cwd: folder });
    expect(closed.code).toBe(2);
  });
});

describe("a run that is killed", () => {
  it("has a report of what is done, and goes on with every step once in its event file", async () => {
    const out = "killed";
    const frequent = ["--checkpoint-seconds", "0.001"];
    const { child, done } = start(args(out, ...frequent), {
      cwd: folder,
      onOutput(all) {
        if ((all.match(/"event":"step"/g) ?? []).length >= 5) child.kill("SIGKILL");
      },
    });
    expect((await done).code).toBe(null);
    const half = await run(["report", out, "--out", "half.html"], { cwd: folder });
    expect(half.code).toBe(0);
    expect(open("half.html").querySelector("header")?.textContent).toContain("is not finished");
    expect(open("half.html").querySelector("#parameters")?.textContent).toContain("head");
    // What a process that dies may leave: half a record.
    writeFileSync(
      join(folder, out, eventFile),
      Buffer.concat([readFileSync(join(folder, out, eventFile)), Buffer.alloc(9, 1)]),
    );
    await train(out, ...frequent, "--resume");
    for (const name of ["whole", out]) {
      const [version, config, ...events] = eventsOf(name);
      expect(version?.version).toBe("brain.Event:2");
      expect(config?.texts.config).toContain('"batchSize": 10');
      const steps = events.filter(({ scalars }) => "train/loss" in scalars);
      expect(steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
      const losses = lines(name, "metrics.jsonl").filter(({ event }) => event === "step");
      expect(steps.map(({ scalars }) => scalars["train/loss"])).toEqual(
        losses.map(({ loss }) => Math.fround(loss as number)),
      );
      const epochs = events.filter(({ scalars }) => "val/top1" in scalars);
      expect(epochs.map(({ step }) => step)).toEqual([3, 6, 9]);
      expect(events.filter(({ scalars }) => "test/top1" in scalars).map(({ step }) => step)).toEqual([9]);
    }
    expect(read(out, "predictions.jsonl")).toBe(read("whole", "predictions.jsonl"));
  });
});
