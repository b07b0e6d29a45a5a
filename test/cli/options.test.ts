import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTinyTask } from "../support/tiny-task.js";
import { jsonLines, main, run, start } from "./command.js";

let folder: string;
beforeAll(async () => {
  folder = await makeTinyTask();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const trainArgs = (out: string, ...more: string[]) => [
  "train",
  ...["--backbone", "backbone", "--data", "data", "--method", "lora", "--rank", "2", "--epochs", "4"],
  ...["--batch-size", "10", "--threads", "1", "--out", out, "--json", ...more],
];
const random = ["--dropout", "0.2", "--drop-path", "0.2", "--gradient-noise", "1e-4", "--sampling", "balanced"];
const everything = [...random, "--class-weights", "1,2,0.5", "--ema", "0.9", "--layer-decay", "0.8", "--patience", "3"];
const adapterOf = (out: string) => readFileSync(join(folder, out, "adapter.safetensors"));

describe("a run with every option", () => {
  it("ends in the same bytes after SIGKILL, and its average is what evaluate scores", async () => {
    const whole = await run(trainArgs("whole", ...everything, "--transform", "decode|resize(16)|flip"), {
      cwd: folder,
    });
    expect([whole.code, whole.stderr]).toEqual([0, ""]);
    const done = jsonLines(whole).at(-1);
    const frequent = ["--checkpoint-seconds", "0.001", "--transform", "decode|resize(16)|flip"];
    for (const [index, steps] of [1, 5].entries()) {
      const { child, done: ended } = start(trainArgs(`killed-${index}`, ...everything, ...frequent), {
        cwd: folder,
        onOutput(all) {
          if ((all.match(/"event":"step"/g) ?? []).length >= steps) child.kill("SIGKILL");
        },
      });
      await ended;
      const resumed = await run(trainArgs(`killed-${index}`, ...everything, ...frequent, "--resume"), { cwd: folder });
      expect([resumed.code, resumed.stderr]).toEqual([0, ""]);
      expect(adapterOf(`killed-${index}`).equals(adapterOf("whole"))).toBe(true);
    }
    const evaluated = await run(["evaluate", "--run", "whole", "--json"], { cwd: folder });
    expect(jsonLines(evaluated)[0]).toMatchObject({ images: 9, ...(done?.test as object | undefined) });
  });

  it("trains by balanced draws where only the head is trained", async () => {
    const args = trainArgs(
      "head",
      "--sampling",
      "balanced",
      "--class-weights",
      "effective",
      "--class-weight-beta",
      "0.9",
    );
    const outcome = await run(
      args
        .map((arg) => (arg === "lora" ? "linear" : arg))
        .filter((arg, i, all) => arg !== "--rank" && all[i - 1] !== "--rank"),
      { cwd: folder },
    );
    expect([outcome.code, outcome.stderr]).toEqual([0, ""]);
  });
});

describe("settings that do nothing", () => {
  const least = ["--backbone", "backbone", "--data", "data", "--out", "o"];
  it.each([
    [["--momentum", "0.5"], "--momentum has no effect with --optimizer adamw; its settings are --betas"],
    [["--method", "ssf", "--dropout", "0.1"], "--dropout: ssf as it is set has no place for it"],
    [["--min-lr", "0.1", "--lr", "0.01", "--rank", "1"], "--min-lr: the rate falls from lr, 0.01"],
    [
      ["--class-weights", "1,2", "--rank", "1"],
      "--class-weights: expected one number for each of the 3 classes, got 2",
    ],
    [["--class-weights", "heavy"], "--class-weights: expected one of none, balanced, effective, or a list, got"],
    [["--image-size", "17"], "--image-size: the network cuts images into patches"],
  ])("%j is refused in one line, with the flag's name", async (more, message) => {
    const { code, stdout, stderr } = await run(["train", ...least, ...more], { cwd: folder });
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(existsSync(join(folder, "o"))).toBe(false);
  });

  it("calls a key of the file by its own name", async () => {
    writeFileSync(
      join(folder, "c.json"),
      JSON.stringify({ backbone: "backbone", data: "data", batchSize: 0, headLr: 0 }),
    );
    const { stderr } = await run(["train", "--config", "c.json", "--out", "o", "--head-lr", "-1"], { cwd: folder });
    expect(stderr).toContain("c.json: batchSize: expected a number of at least 1, got 0.");
    expect(stderr).toContain("--head-lr: expected a number above 0, got -1.");
  });

  it("warns of a share for validation that the data does not need, and of classes without an image", async () => {
    mkdirSync(join(folder, "gaps"));
    cpSync(join(folder, "data/train"), join(folder, "gaps/images"), { recursive: true });
    const list = (label: number) =>
      readdirSync(join(folder, "gaps/images/red"))
        .map((name) => `images/red/${name} ${label}\n`)
        .join("");
    writeFileSync(join(folder, "gaps/train800.txt"), list(1) + list(3));
    writeFileSync(join(folder, "gaps/val200.txt"), list(1));
    const args = trainArgs("gap-run", "--val-fraction", "0.1", "--epochs", "1").map((arg) =>
      arg === "data" ? "gaps" : arg,
    );
    const { code, stderr } = await run(args, { cwd: folder });
    expect(code).toBe(0);
    expect(stderr).toContain("warning: gaps: the data has validation images of its own");
    expect(stderr).toContain("2 of 4 classes have no training image: 0, 2. Labels count from 0");
    expect(stderr.trim().split("\n")).toHaveLength(2);
    const evaluated = await run(["evaluate", "--run", "gap-run", "--split", "val"], { cwd: folder });
    expect([evaluated.code, evaluated.stderr]).toEqual([0, ""]);
  });
});

describe("a configuration file and flags for different methods", () => {
  it("say which of them asks for what", async () => {
    const base = {
      backbone: "backbone",
      data: "data",
      out: "o",
      method: "lora",
      options: { rank: 2, alpha: 4, targets: ["q"] },
    };
    writeFileSync(join(folder, "lora.json"), JSON.stringify(base));
    const other = await run(["train", "--config", "lora.json", "--method", "fact-tt"], { cwd: folder });
    expect([other.code, other.stderr]).toEqual([
      2,
      "error: lora.json: its options alpha, targets are those of lora, but --method says fact-tt (fact-tt has rank, scale). Take them out of the file, or leave --method out.\n",
    ]);
    const flag = await run(["train", "--config", "lora.json", "--no-shared"], { cwd: folder });
    expect(flag.stderr).toContain(
      "--no-shared: this is no option of lora, the method of lora.json (lora has rank, alpha, targets, bias)",
    );
  });
});

describe("a reader that goes away", () => {
  it.skipIf(process.platform === "win32")("ends a training quietly, saved, with 130", async () => {
    const args = trainArgs("piped", "--epochs", "400")
      .map((arg) => `"${arg}"`)
      .join(" ");
    const command = `{ "${process.execPath}" "${main}" ${args}; echo $? > code; } | head -n 3`;
    const { stderr, stdout } = spawnSync("/bin/sh", ["-c", command], { cwd: folder, encoding: "utf8" });
    expect([stderr, stdout.trim().split("\n").length]).toEqual(["", 3]);
    expect(readFileSync(join(folder, "code"), "utf8").trim()).toBe("130");
    expect(existsSync(join(folder, "piped/checkpoint.safetensors"))).toBe(true);
    expect(readdirSync(join(folder, "piped")).filter((name) => name.startsWith(".lock"))).toEqual([]);
    const again = start(trainArgs("piped", "--epochs", "400", "--resume"), {
      cwd: folder,
      onOutput(all) {
        if (all.includes('"event":"step"')) again.child.kill("SIGINT");
      },
    });
    expect(jsonLines(await again.done)[0]).toMatchObject({ event: "start", resumed: expect.anything() });
  });
});
