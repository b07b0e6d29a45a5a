import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDataset } from "../../src/platform/datasets.js";
import { makeTinyTask } from "../support/tiny-task.js";
import { jsonLines, run, start } from "./command.js";

let folder: string;
beforeAll(async () => {
  folder = await makeTinyTask();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const tiny = ["--backbone", "backbone", "--epochs", "2", "--batch-size", "12", "--threads", "1"];
const drawn = "drawn:count:train=12:val=6:test=6:size=16";
const suite = (...args: string[]) => run(["suite", ...args, ...tiny], { cwd: folder });
const resultsOf = (out: string) =>
  readFileSync(join(folder, out, "results.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const page = (out: string) => readFileSync(join(folder, out, "report.html"), "utf8");

/** A folder in VTAB-1k's layout, made of the tiny task. */
function makeVtab(name: string): void {
  const root = join(folder, "vtab", name);
  mkdirSync(root, { recursive: true });
  cpSync(join(folder, "data"), join(root, "images"), { recursive: true });
  const list = (split: string, count: number) =>
    ["red", "green", "blue"].flatMap((colour, label) =>
      Array.from({ length: count }, (_, i) => `images/${split}/${colour}/${i}.png ${label}`),
    );
  // One test image less, or the two tasks would be one and the same.
  const lists = {
    train800: list("train", 8),
    val200: list("val", 4),
    test: list("test", name === "eurosat" ? 3 : 2),
  };
  for (const [file, lines] of Object.entries(lists)) writeFileSync(join(root, `${file}.txt`), lines.join("\n"));
  writeFileSync(join(root, "train800val200.txt"), [...lists.train800, ...lists.val200].join("\n"));
}

describe("suite vtab-1k", () => {
  const args = [
    "vtab-1k",
    "--data",
    "vtab",
    "--methods",
    "linear,lora:rank=2",
    "--seeds",
    "0,1",
    "--lr-grid",
    "1e-3,1e-2",
  ];

  it("plans, runs what is there of VTAB-1k, and prints its tables", async () => {
    for (const name of ["eurosat", "cifar100"]) makeVtab(name);
    const planned = await suite(...args, "--out", "v", "--dry-run");
    expect([planned.code, planned.stderr, existsSync(join(folder, "v"))]).toEqual([0, "", false]);
    expect(planned.stdout).toContain("12 trainings, 12 to do: about ");
    const steps = jsonLines(await suite(...args, "--out", "v", "--dry-run", "--json"));
    expect(steps).toHaveLength(12);
    expect(steps[0]).toMatchObject({ event: "planned", task: "cifar", method: "linear", seed: 0, isDone: false });
    expect(steps.slice(0, 6).map(({ lr, headLr }) => [lr, headLr])).toEqual([
      ...[1e-3, 1e-2, null].map((rate) => [null, rate]),
      ...[1e-3, 1e-2, null].map((rate) => [rate, null]),
    ]);

    const outcome = await suite(...args, "--out", "v");
    expect([outcome.code, outcome.stderr]).toEqual([0, ""]);
    for (const text of [
      "mean of groups",
      "natural",
      "specialized",
      "best: groups",
      "difference to linear",
      "own sample",
    ]) {
      expect(outcome.stdout).toContain(text);
    }
    // Not VTAB-1k's own images: nothing published may stand beside them.
    expect(outcome.stdout).not.toContain("NOAH");
    expect(page("v")).toContain("own sample");
    expect(page("v")).not.toContain("NOAH");
    expect(resultsOf("v")).toHaveLength(12);
    expect(outcome.stdout).toMatch(/eurosat {2}linear +headLr 0\.0/);
    expect(outcome.stdout).toMatch(/eurosat {2}lora:rank=2 +lr 0\.0/);
    expect(existsSync(join(folder, "v/parameters.svg"))).toBe(true);

    const again = jsonLines(await suite(...args, "--out", "v", "--json"));
    expect(again.filter(({ wasThere }) => wasThere)).toHaveLength(16);
    expect(again.at(-1)).toMatchObject({ event: "done", trials: 8, failures: 0 });
  });

  it("ends in the same results after SIGKILL at any moment", async () => {
    const short = [
      "vtab-1k",
      "--data",
      "vtab",
      "--tasks",
      "eurosat",
      "--methods",
      "lora:rank=2",
      "--seeds",
      "0",
      "--lr-grid",
      "1e-3,1e-2",
    ];
    const all = ["suite", ...short, ...tiny, "--out", "killed", "--json"];
    for (const lines of [0, 1, 2]) {
      const { child, done } = start(all, {
        cwd: folder,
        onOutput: (text) => text.split("\n").length > lines && child.kill("SIGKILL"),
      });
      if (lines === 0) setTimeout(() => child.kill("SIGKILL"), 900);
      await done;
    }
    const last = await run(all, { cwd: folder });
    expect([last.code, last.stderr]).toEqual([0, ""]);
    const found = (out: string, wanted: readonly unknown[]) =>
      resultsOf(out)
        .filter(({ trial }) => wanted.includes(trial))
        .map(({ seconds: _, wallSeconds: __, role: ___, ...line }) => line)
        .toSorted((a, b) => (String(a.trial) < String(b.trial) ? -1 : 1));
    const trials = resultsOf("killed").map(({ trial }) => trial);
    expect(trials).toHaveLength(2);
    expect(found("killed", trials).map(({ val }) => val)).toEqual(found("v", trials).map(({ val }) => val));
    expect(readdirSync(join(folder, "killed")).filter((name) => name.endsWith(".tmp") || name === ".lock")).toEqual([]);
  });

  it.skipIf(process.platform === "win32")("stops at Ctrl-C with 130 and goes on", async () => {
    const all = [
      "suite",
      "run",
      "--data",
      drawn,
      "--methods",
      "bitfit",
      "--seeds",
      "0,1,2",
      ...tiny,
      "--out",
      "stopped",
      "--json",
    ];
    const { child, done } = start(all, { cwd: folder, onOutput: () => child.kill("SIGINT") });
    const outcome = await done;
    expect([outcome.code, outcome.stderr.includes("The same command goes on")]).toEqual([130, true]);
    expect(jsonLines(await run(all, { cwd: folder })).at(-1)).toMatchObject({ event: "done", trials: 3 });
  });

  it("says what is wrong before anything runs", async () => {
    const refused = async (message: RegExp, ...more: string[]) => {
      const outcome = await suite(...more, "--out", "refused");
      expect(outcome.code, outcome.stderr).toBe(2);
      expect(outcome.stderr).toMatch(message);
      expect(existsSync(join(folder, "refused"))).toBe(false);
    };
    await refused(/no such task/, "vtab-1k", "--data", "vtab", "--tasks", "eurosatt");
    await refused(/no folder of a task/, "vtab-1k", "--data", "data");
    await refused(/rang/, "run", "--data", "data", "--methods", "lora:rang=2");
    await refused(/each once/, "run", "--data", "data", "--seeds", "1,1");
    await refused(/has 8 training images/, "few-shot", "--data", "data", "--shots", "1,9");
    await refused(/named twice/, "run", "--data", "data,./data");
    await refused(/--lr-grid: expected rates above 0/, "run", "--data", "data", "--lr-grid", "1e-3,0");
    await refused(/--lr has no effect beside --lr-grid/, "run", "--data", "data", "--lr", "1", "--lr-grid", "1");
    const own = ["--methods", "sas:lr=1e-2,lora:lr=1e-3"];
    await refused(
      /--lr-grid has no effect beside methods that all/,
      "run",
      "--data",
      "data",
      ...own,
      "--lr-grid",
      "1,2",
    );
    await refused(/--lr has no effect beside methods that all/, "run", "--data", "data", ...own, "--lr", "1");
    await refused(/form is asked twice/, "ablation", "--data", "data", "--questions", "form,form");
    await refused(/--lr has no effect with linear/, "run", "--data", "data", "--lr", "1", "--methods", "linear");
    writeFileSync(join(folder, "settings.json"), JSON.stringify({ seed: 3 }));
    await refused(/seed: a suite has several/, "run", "--data", "data", "--config", "settings.json");
  });
});

describe("the other suites", () => {
  it("run compares on any data sets", async () => {
    const outcome = await suite(
      "run",
      "--data",
      `data,${drawn}`,
      "--methods",
      "linear,sas:rank=1,embedding=1",
      "--seeds",
      "0",
      "--out",
      "r",
    );
    expect([outcome.code, outcome.stderr]).toEqual([0, ""]);
    expect(outcome.stdout).toMatch(/method +data +drawn:count/);
    expect(resultsOf("r")).toHaveLength(4);
  });

  it("few-shot draws accuracy over shots, a line per method", async () => {
    const outcome = await suite(
      "few-shot",
      "--data",
      "data",
      "--shots",
      "1,2,4",
      "--methods",
      "linear,bitfit",
      "--seeds",
      "0,1",
      "--out",
      "f",
    );
    expect([outcome.code, outcome.stderr]).toEqual([0, ""]);
    expect(outcome.stdout).toContain("● linear");
    const svg = readFileSync(join(folder, "f/shots-data.svg"), "utf8");
    expect(svg).toMatch(/^<svg/);
    expect(svg.match(/<circle/g)?.length).toBeGreaterThanOrEqual(6);
    for (const { images, config } of resultsOf("f") as { images: { train: number }; config: { shots: number } }[]) {
      expect(images.train).toBe(3 * config.shots);
    }
  });

  it("few-shot reads the lists of CoOp and NOAH", async () => {
    const root = join(folder, "pets");
    mkdirSync(join(root, "annotations"), { recursive: true });
    cpSync(join(folder, "data"), join(root, "images"), { recursive: true });
    const lines = (split: string, from: number, to: number) =>
      ["red", "green", "blue"]
        .flatMap((colour, label) =>
          Array.from({ length: to - from }, (_, i) => `${split}/${colour}/${from + i}.png ${label}`),
        )
        .join("\n");
    for (const seed of [0, 1]) {
      writeFileSync(
        join(root, `annotations/train_meta.list.num_shot_2.seed_${seed}`),
        lines("train", 2 * seed, 2 * seed + 2),
      );
    }
    writeFileSync(join(root, "annotations/val_meta.list"), lines("val", 0, 4));
    writeFileSync(join(root, "annotations/test_meta.list"), lines("test", 0, 3));
    const args = ["few-shot", "--data", "pets", "--methods", "bitfit", "--seeds", "0,1", "--out", "p"];
    const missing = await suite(...args, "--shots", "1,2");
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining("none for 1 shots and seed 0")]);
    expect((await suite(...args, "--shots", "2")).code).toBe(0);
    const found = resultsOf("p") as { images: unknown; digests: { data: string } }[];
    expect(found.map(({ images }) => images)).toEqual([0, 1].map(() => ({ train: 6, val: 12, test: 9 })));
    expect(new Set(found.map(({ digests }) => digests.data)).size).toBe(2);
    const { splits } = await openDataset(root, { shots: 2, seed: 1, final: true });
    expect([splits.train?.count, splits.val, splits.test?.count]).toEqual([18, null, 9]);
  });

  it("domain-generalization scores targets with and without the mask, and says which", async () => {
    for (const [domain, colours] of Object.entries({
      photo: ["red", "green", "blue"],
      sketch: ["red", "green", "blue"],
      part: ["blue", "red"],
    })) {
      for (const colour of colours)
        cpSync(join(folder, "data/train", colour), join(folder, "domains", domain, colour), { recursive: true });
    }
    // Numbers of the source's classes, as lists of ImageNet-A have them: one of the three does not occur.
    mkdirSync(join(folder, "domains/listed"));
    cpSync(join(folder, "domains/part"), join(folder, "domains/listed/images"), { recursive: true });
    const lines = ["red", "blue"].flatMap((colour) =>
      readdirSync(join(folder, "domains/part", colour)).map(
        (file) => `images/${colour}/${file} ${colour === "red" ? 2 : 0}`,
      ),
    );
    writeFileSync(join(folder, "domains/listed/train800.txt"), lines.join("\n"));
    const args = ["--source", "domains/photo", "--targets", "domains/sketch,domains/part,domains/listed"];
    const outcome = await suite(
      "domain-generalization",
      ...args,
      "--methods",
      "linear",
      "--seeds",
      "0,1",
      "--out",
      "d",
    );
    expect([outcome.code, outcome.stderr]).toEqual([0, ""]);
    expect(outcome.stdout).toContain("part (2-class mask)");
    const names = ["part (2-class mask)", "part (all 3 logits)", "sketch"];
    const listed = ["listed (2-class mask)", "listed (all 3 logits)"];
    type Found = { readonly scores: Record<string, { readonly last: { readonly top1: number } }> };
    for (const { scores } of resultsOf("d") as unknown as Found[]) {
      expect(Object.keys(scores).toSorted()).toEqual([...listed, ...names]);
      // The same images.
      for (const [i, name] of listed.entries()) expect(scores[name]?.last.top1).toBe(scores[names[i] ?? ""]?.last.top1);
      const [masked, all] = names.map((name) => scores[name]?.last.top1 ?? Number.NaN) as [number, number];
      expect(masked).toBeGreaterThanOrEqual(all);
    }
    // A target whose image breaks off costs nothing that was measured.
    cpSync(join(folder, "domains/sketch"), join(folder, "domains/torn"), { recursive: true });
    const image = join(folder, "domains/torn/red", readdirSync(join(folder, "domains/torn/red"))[0] as string);
    writeFileSync(image, readFileSync(image).subarray(0, 60));
    const more = [...args.slice(0, 3), `${args[3]},domains/torn`, "--methods", "linear", "--seeds", "0,1"];
    const before = resultsOf("d");
    const torn = await suite("domain-generalization", ...more, "--out", "d");
    expect([torn.code, torn.stderr]).toEqual([1, expect.stringContaining("torn/red/0.png: cannot decode")]);
    expect(resultsOf("d")).toEqual(before);
    const strange = await suite(
      "domain-generalization",
      "--source",
      "domains/part",
      "--targets",
      "domains/sketch",
      "--out",
      "e",
    );
    expect([strange.code, strange.stderr]).toEqual([2, expect.stringContaining('"green"')]);
    const source = ["--source", "domains/photo", "--targets", "domains/sketch,domains/photo"];
    const same = await suite("domain-generalization", ...source, "--out", "e");
    expect([same.code, same.stderr]).toEqual([
      2,
      "error: targets: domains/photo is the source. Leave it out; test images of its own are scored anyway.\n",
    ]);
  });

  it("ablation has a table for each question", async () => {
    const outcome = await suite(
      "ablation",
      "--data",
      drawn,
      "--questions",
      "parts,form",
      "--budget",
      "200",
      "--seeds",
      "0",
      "--out",
      "a",
    );
    expect([outcome.code, outcome.stderr]).toEqual([0, ""]);
    expect(outcome.stdout).toContain("parts: shared module, specific module, or both");
    expect(outcome.stdout).toContain("form: what is generated");
    // The first variant is the same in both, and runs once.
    expect(resultsOf("a")).toHaveLength(5);
    expect(page("a")).toContain("shared=false");
  });

  it("ablation takes the backbone that comes with the package by its name", async () => {
    const asked = ["--questions", "parts", "--seeds", "0", "--epochs", "1", "--image-size", "16", "--out", "bundled"];
    const command = ["suite", "ablation", "--data", drawn, "--backbone", "sas-mini", ...asked, "--dry-run", "--json"];
    const planned = await run(command, { cwd: folder });
    expect([planned.code, planned.stderr]).toEqual([0, ""]);
    expect(jsonLines(planned)).toHaveLength(3);
  });
});
