import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { jsonLines, run } from "./command.js";

const folder = mkdtempSync(join(tmpdir(), "sas-petl-"));
afterAll(() => rmSync(folder, { recursive: true }));
const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

describe("the command", () => {
  it("shows help with examples, for itself and for each command", async () => {
    for (const args of [
      ["--help"],
      ["train", "--help"],
      ["evaluate", "-h"],
      ["help", "predict"],
      ["inspect", "--help"],
      ["data", "--help"],
      ["data", "prepare", "vtab-1k", "--help"],
    ]) {
      const { code, stdout, stderr } = await run(args);
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toContain("Examples:");
    }
  });

  it("has a flag for every key of the configuration", async () => {
    const { stdout } = await run(["train", "--help"]);
    for (const flag of [
      "--batch-size",
      "--head-lr",
      "--label-smoothing",
      "--no-shared",
      "--rank",
      "--final",
      "--seed",
    ]) {
      expect(stdout).toContain(flag);
    }
  });

  it("knows its version", async () => {
    expect((await run(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it("needs no file of a command for its own help", async () => {
    const times = [];
    for (let i = 0; i < 5; i++) {
      const began = performance.now();
      await run(["--help"]);
      times.push(performance.now() - began);
    }
    // 150 ms on an idle machine; the bound here only catches that something large is loaded.
    expect(Math.min(...times)).toBeLessThan(400);
  });
});

describe("wrong usage", () => {
  const nothing = join(folder, "nothing");
  it.each([
    [["fly"], "unknown command"],
    [["help", "fly"], "unknown command"],
    [["train", "--epoch", "3"], "Did you mean --epochs?"],
    [["train", "--epochs", "many"], "Expected a number"],
    [["train"], "backbone is missing"],
    [["train", "--backbone", nothing, "--data", nothing, "--out", join(folder, "o")], "nothing"],
    [["train", "--backbone", "b", "--data", "d", "--out", folder], "exists already. Add --resume"],
    [["train", "--config", nothing], "cannot be read"],
    [["train", "--config", write("bad.json", "{")], "no valid JSON"],
    [["train", "--config", write("list.json", "[]")], "expected a JSON object"],
    [["train", "--config", write("key.json", '{"epoch":3}')], "epoch is not a key. Did you mean epochs?"],
    [["train", "--config", write("type.json", '{"epochs":"3"}')], "epochs"],
    [["train", "--config", write("options.json", '{"options":[1]}'), "--rank", "2"], "expected an object"],
    [
      ["train", "--backbone", "b", "--data", "d", "--out", "o", "--image-size", "100000"],
      "--image-size: expected a number of at most 4096, got 100000",
    ],
    [["train", "--backbone", "b", "--data", "d", "--out", "o", "--clip", "maybe"], "Expected a number"],
    [["evaluate"], "--run"],
    [["data", "prepare", "vtab-1k"], "expected --data"],
    [["data", "prepare", "vtab-1k", "--data", nothing, "--seed", "1"], "--data is for a check"],
    [["data", "prepare", "vtab-1k", "--data", folder], "no folder of a task of VTAB-1k"],
    [["evaluate", "--run", nothing, "--data", folder], "nothing"],
    [["predict", "x.jpg"], "--run"],
    [["predict", "--backbone", nothing, "x.jpg"], "there is no such file: x.jpg"],
    [["predict", "--backbone", nothing, "--top-k", "0", "x.jpg"], "at least 1"],
    [["predict", "--backbone", nothing, "*.nothing"], "no such file"],
    [["predict", "--backbone", nothing], "stdin is empty"],
    [["inspect"], "missing required argument"],
    [["inspect", "vit_huge_patch3_1"], "vit_"],
    [["inspect", nothing], "there is no such file or folder"],
    [["inspect", write("odd.doc", "text")], "a data set (a folder, an archive, a list)"],
    [["inspect", "vit_tiny_patch16_224", "--method", "lorra"], "lora"],
    [["inspect", "vit_tiny_patch16_224", "--method", "linear", "--rank", "3"], "no option rank"],
    [["inspect", "drawn:count", "--method", "sas"], "method has no effect on a data set"],
    [["inspect", "drawn:count", "--rank", "3"], "rank has no effect on a data set"],
    [["inspect", "vit_tiny_patch16_224", "--revision", "v2"], "revision has no effect on the name of an architecture"],
  ])("%j ends with 2 and one clear line", async (args, message) => {
    const { code, stdout, stderr } = await run(args);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(stderr.trim().split("\n").length).toBeLessThanOrEqual(3);
  });

  it("shows where it comes from with --debug", async () => {
    expect((await run(["inspect", nothing, "--debug"])).stderr).toMatch(/^\s+at /m);
  });
});

describe("inspect", () => {
  it("prints the account of an architecture without weights", async () => {
    const { stdout } = await run(["inspect", "vit_base_patch16_224", "--method", "sas", "--classes", "10"]);
    expect(stdout).toContain("trainable params: 37,056 || all params: 85,835,712 || trainable%: 0.0432");
    expect(stdout).toContain("head params: 7,690");
  });

  it("gives the same as JSON", async () => {
    const outcome = await run(["inspect", "vit_tiny_patch16_224", "--json"]);
    const [found] = jsonLines(outcome);
    expect(found).toMatchObject({ kind: "architecture", method: "sas", trainable: 2352 });
    expect(found.share).toBe((found.trainable as number) / (found.total as number));
    expect(jsonLines(outcome)).toHaveLength(1);
  });

  it("passes options on to the method", async () => {
    const args = ["inspect", "vit_tiny_patch16_224", "--rank", "1", "--no-specific", "--sites", "attn", "--json"];
    expect(jsonLines(await run(args))[0]).toMatchObject({ trainable: 2 * 192 });
  });

  it("looks through a data set, says what to do, and ends with 0 whatever it finds", async () => {
    write("one.png", "no image");
    const list = write("bad\u001b[31m.csv", "path,label\none.png,a\none.png,b\n");
    const { code, stdout, stderr } = await run(["inspect", list]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("unreadable: 2 images cannot be read.");
    expect(stdout).toContain("→ Replace or remove them, or train with --skip-unreadable.");
    expect(stdout).not.toContain("\u001b");
    const [found] = jsonLines(await run(["inspect", list, "--json"]));
    expect(found).toMatchObject({
      kind: "data",
      layout: "table",
      classes: ["a", "b"],
      images: { train: 2, val: null, test: null },
    });
  });
});
