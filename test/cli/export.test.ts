import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBackbone } from "../../src/platform/backbone.js";
import { makeTinyTask } from "../support/tiny-task.js";
import { jsonLines, run } from "./command.js";

let folder: string;
const trainArgs = (out: string, ...more: string[]) => [
  "train",
  ...["--backbone", "backbone", "--data", "data", "--epochs", "2", "--batch-size", "8", "--threads", "1"],
  ...["--out", out, ...more],
];
beforeAll(async () => {
  folder = await makeTinyTask();
  const runs = [
    trainArgs("sas"),
    trainArgs("low-rank", "--form", "low-rank"),
    trainArgs("vpt", "--method", "vpt-deep", "--prompts", "2"),
    trainArgs("full", "--method", "full"),
    trainArgs("small", "--form", "low-rank", "--image-size", "24"),
  ];
  for (const args of runs) expect((await run(args, { cwd: folder })).code).toBe(0);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const exportTo = (out: string, ...args: string[]) => run(["export", "--out", out, ...args], { cwd: folder });
const cardOf = (out: string) => readFileSync(join(folder, out, "README.md"), "utf8");

describe("export", () => {
  it.each(["fp32", "fp16", "int8"])("writes ONNX in %s, and how the accuracy changed", async (dtype) => {
    const outcome = await exportTo(`onnx-${dtype}`, "--run", "sas", "--format", "onnx", "--dtype", dtype, "--json");
    expect([outcome.code, outcome.stderr]).toEqual([0, ""]);
    const [report] = jsonLines(outcome);
    expect(report).toMatchObject({ method: "sas", isMerged: true, dtype, unchecked: null, check: { images: 12 } });
    expect((report as { check: { logitError: number } }).check.logitError).toBeLessThan(
      { fp32: 1e-5, fp16: 0.01, int8: 0.1 }[dtype] ?? 0,
    );
    expect(report?.files).toEqual(
      ["README.md", "model.onnx"].map((name) => {
        const path = join(`onnx-${dtype}`, name);
        return { path, bytes: readFileSync(join(folder, path)).length };
      }),
    );
    expect(cardOf(`onnx-${dtype}`)).toContain(`as exported (${dtype})`);
  });

  it("tells people what it did", async () => {
    const { stdout } = await exportTo("told", "--run", "sas", "--format", "onnx", "--external-data");
    expect(stdout).toMatch(/^sas merged into vit: [\d,]+ parameters, no trace of the adapter\nval: 12 images/);
    expect(stdout).toMatch(/model\.onnx_data .*\nhf upload told told\n$/);
    const unmerged = await exportTo("unmerged", "--run", "vpt", "--format", "onnx", "--no-check");
    expect(unmerged.stdout).toMatch(/^vpt-deep does not fold into the network: exported unmerged/);
    expect(cardOf("unmerged")).toContain("the method does not fold");
  });

  it.each(["sas", "full"])("writes a checkpoint that is a backbone again: %s", async (name) => {
    const out = `${name}-timm`;
    expect((await exportTo(out, "--run", name, "--format", "safetensors")).code).toBe(0);
    const { architecture, contract, warnings } = await openBackbone(join(folder, out));
    expect([architecture.classes, contract.classNames, contract.cropMode, warnings]).toEqual([
      3,
      ["blue", "green", "red"],
      "squash",
      [],
    ]);
    const photo = "data/test/red/0.png";
    const answer = async (...args: string[]) =>
      (jsonLines(await run(["predict", "--json", photo, ...args], { cwd: folder }))[0]?.top ?? []) as {
        class: string;
        probability: number;
      }[];
    const [before, after] = [await answer("--run", name), await answer("--backbone", out)];
    expect(after.map((c) => c.class)).toEqual(before.map((c) => c.class));
    for (const [i, { probability }] of after.entries()) expect(probability).toBeCloseTo(before[i]?.probability ?? 0, 2);
  });

  it("writes F16 checkpoints and HF's names", async () => {
    expect(
      (await exportTo("hf", "--run", "sas", "--format", "safetensors", "--names", "hf", "--dtype", "fp16")).code,
    ).toBe(0);
    const config = JSON.parse(readFileSync(join(folder, "hf/config.json"), "utf8"));
    expect(config).toMatchObject({ model_type: "vit", id2label: { 0: "blue", 1: "green", 2: "red" } });
    const header = readFileSync(join(folder, "hf/model.safetensors"), "latin1").slice(0, 20_000);
    expect(header).toContain('"vit.encoder.layer.0.attention.attention.query.weight":{"dtype":"F16"');
  });

  it("writes a LoRA adapter that can be evaluated, merged and exported here", async () => {
    expect((await exportTo("peft", "--run", "low-rank", "--format", "peft")).code).toBe(0);
    expect(readdirSync(join(folder, "peft")).sort()).toEqual([
      "README.md",
      "adapter_config.json",
      "adapter_model.safetensors",
      "config.json",
    ]);
    const score = async (...args: string[]) =>
      jsonLines(await run(["evaluate", "--data", "data", "--json", ...args], { cwd: folder }))[0]?.nll as number;
    // The backbone's own transform crops where the run's squashes: on square images both do the same.
    expect(await score("--run", "peft", "--backbone", "backbone")).toBeCloseTo(await score("--run", "low-rank"), 0);
    const again = await exportTo(
      "peft-onnx",
      "--run",
      "peft",
      "--backbone",
      "backbone",
      "--format",
      "onnx",
      "--data",
      "data",
      "--json",
    );
    expect(jsonLines(again)).toMatchObject([{ method: "lora", isMerged: true, check: { images: 12 } }]);
    const looked = jsonLines(await run(["inspect", "peft", "--json"], { cwd: folder }));
    expect(looked).toMatchObject([
      { kind: "adapter", format: "HF PEFT", method: "lora", classes: ["blue", "green", "red"], hasBias: false },
    ]);
    const refused = await exportTo("peft-sas", "--run", "sas", "--format", "peft");
    expect([refused.code, refused.stderr]).toMatchObject([2, expect.stringMatching(/full rank.*--form low-rank/)]);
    const affine = await exportTo("peft-affine", "--run", "sas", "--format", "peft", "--rank", "3");
    expect(affine.stdout).toMatch(/approximated by rank 3: relative error 0\.\d+ in the mean/);
  });

  it("takes positions along in a LoRA adapter for another image size than the backbone's", async () => {
    const { stdout } = await exportTo("peft-small", "--run", "small", "--format", "peft");
    expect(stdout).toMatch(/Trained on images of 24 × 24 pixels, the backbone is for 16 × 16/);
    expect(cardOf("peft-small")).toContain("num_labels=3, image_size=24, ignore_mismatched_sizes=True");
    const [looked] = jsonLines(await run(["inspect", "peft-small", "--json"], { cwd: folder }));
    expect(looked).toMatchObject({ imageSize: [24, 24], headParameters: 3 * (16 + 1) });
    const nll = async (...args: string[]) =>
      jsonLines(await run(["evaluate", "--data", "data", "--json", ...args], { cwd: folder }))[0]?.nll as number;
    expect(await nll("--run", "peft-small", "--backbone", "backbone")).toBeCloseTo(await nll("--run", "small"), 0);
  });

  it.skipIf(!existsSync("/proc/self"))(
    "says so where no folder can be made (skipped: no /proc on this system)",
    async () => {
      const { code, stderr } = await exportTo("/proc/x", "--run", "sas", "--format", "onnx");
      expect([code, stderr]).toEqual([
        2,
        "error: /proc/x: no folder can be made there (ENOENT). Take another place.\n",
      ]);
    },
  );

  it("keeps what is there, and leaves nothing behind where it fails", async () => {
    mkdirSync(join(folder, "mine"));
    writeFileSync(join(folder, "mine/notes.txt"), "mine");
    writeFileSync(join(folder, "file"), "");
    mkdirSync(join(folder, "empty"));
    await run(trainArgs("other", "--method", "linear"), { cwd: folder });
    const before = readdirSync(folder).sort();
    const fails = async (expected: RegExp, out: string, ...args: string[]) => {
      const { code, stdout, stderr } = await exportTo(out, ...args);
      expect([code, stdout], stderr).toEqual([2, ""]);
      expect(stderr).toMatch(expected);
    };
    await fails(/not empty.*another --out/, "mine", "--run", "sas", "--format", "onnx");
    await fails(/got a file/, "file", "--run", "sas", "--format", "onnx");
    await fails(/fp32 or fp16, got int8/, "x", "--run", "sas", "--format", "safetensors", "--dtype", "int8");
    await fails(/adapters are fp32/, "x", "--run", "sas", "--format", "peft", "--dtype", "fp16");
    await fails(/full rank.*--rank/, "x", "--run", "sas", "--format", "peft");
    await fails(/does not fold/, "x", "--run", "vpt", "--format", "safetensors");
    await fails(/nothing to make a LoRA of/, "x", "--run", "other", "--format", "peft");
    await fails(/give a run with --run/, "x", "--format", "onnx");
    await fails(/no such run/, "x", "--run", "nowhere", "--format", "onnx");
    await fails(/not the weights the adapter/, "x", "--run", "sas", "--backbone", "full-timm", "--format", "onnx");
    await fails(/Allowed choices/, "x", "--run", "sas", "--format", "tflite");
    expect(readdirSync(folder).sort()).toEqual(before);
    expect(existsSync(join(folder, "x"))).toBe(false);
    expect((await exportTo("empty", "--run", "sas", "--format", "onnx", "--no-check")).code).toBe(0);
  });
});
