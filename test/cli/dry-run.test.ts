import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readSafetensorsHeader } from "../../src/vit/safetensors.js";
import { startHub } from "../support/hub-server.js";
import { makeTinyTask } from "../support/tiny-task.js";
import { jsonLines, run } from "./command.js";

let folder: string;
beforeAll(async () => {
  folder = await makeTinyTask();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const args = (...more: string[]) => [
  ...["train", "--dry-run", "--backbone", "backbone", "--data", "data", "--epochs", "4", "--batch-size", "10"],
  ...["--threads", "1", "--rank", "2", "--embedding", "2", "--out", "run", ...more],
];
const call = (env: NodeJS.ProcessEnv, ...more: string[]) => run(args(...more), { cwd: folder, env });

describe("train --dry-run", () => {
  it("says what training says, and writes nothing", async () => {
    const before = readdirSync(folder);
    const outcome = await call({}, "--json");
    expect([outcome.code, outcome.stderr]).toEqual([0, ""]);
    const [found] = jsonLines(outcome);
    expect(found).toMatchObject({
      method: "sas",
      classes: 3,
      images: { train: 24, val: 12, test: 9 },
      imageSize: [16, 16],
      stepsPerEpoch: 3,
      batchSize: 10,
      threads: 1,
      lanes: 1,
      place: join(folder, "backbone"),
    });
    expect(found?.secondsPerEpoch).toBeGreaterThan(0);
    expect(found?.seconds).toBeGreaterThan(4 * (found?.secondsPerEpoch as number));
    expect(found?.files).toContain(join("run", "adapter.safetensors"));
    expect(readdirSync(folder)).toEqual(before);

    const trained = jsonLines(await run([...args("--json").filter((word) => word !== "--dry-run")], { cwd: folder }));
    const [start, done] = [trained[0], trained.at(-1)];
    for (const key of ["trainable", "head", "total", "memoryBytes", "batchSize", "microBatch", "stepsPerEpoch"]) {
      expect(start?.[key], key).toBe(found?.[key]);
    }
    for (const file of (found?.files ?? []) as string[]) {
      if (!file.includes("events")) expect(existsSync(join(folder, file)), file).toBe(true);
    }
    expect(done?.options).toEqual(found?.options);
    const again = await call({});
    expect([again.code, again.stdout]).toEqual([2, ""]);
    expect(again.stderr).toContain("exists already");
    const changed = await call({}, "--resume", "--lr", "0.1");
    expect([changed.code, changed.stdout]).toEqual([2, ""]);
    expect(changed.stderr).toContain("another configuration");
    rmSync(join(folder, "run"), { recursive: true });
  });

  it("shows it as text, for a head alone and for random weights too", async () => {
    const words = args().filter(
      (word, i, all) => ![word, all[i - 1]].some((w) => w === "--rank" || w === "--embedding"),
    );
    for (const more of [
      ["--method", "linear"],
      ["--method", "full", "--init", "random", "--ema", "0.9"],
      ["--method", "lora", "--dropout", "0.1"],
    ]) {
      const { code, stdout, stderr } = await run([...words, ...more], { cwd: folder });
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toMatch(/trainable params: .*\n(.*\n)*memory {3}about \d+ MiB\ntime {5}about .* in all/);
    }
  });

  it("reads no weight: those that training refuses pass, damaged headers do not", async () => {
    const file = join(folder, "backbone/model.safetensors");
    const whole = readFileSync(file);
    const name = "model.safetensors";
    const { dataStart } = await readSafetensorsHeader({
      name,
      size: whole.length,
      read: async (offset, length) => whole.subarray(offset, offset + length),
    });
    writeFileSync(file, Uint8Array.from(whole).fill(0xff, dataStart));
    expect((await call({})).code).toBe(0);
    const refused = await run(
      args().filter((word) => word !== "--dry-run"),
      { cwd: folder },
    );
    expect(refused.stderr).toContain("NaN");
    truncateSync(file, 300);
    const cut = await call({});
    expect([cut.code, cut.stdout]).toEqual([1, ""]);
    expect(cut.stderr).toContain(name);
    writeFileSync(file, whole);
  });

  it("refuses what training would refuse", async () => {
    for (const [more, reason] of [
      [["--image-size", "17"], "patches"],
      [["--data", "nowhere"], "nowhere"],
      [["--backbone", "nowhere"], "nowhere"],
      [["--memory-mb", "10"], "--memory-mb"],
      [["--min-lr", "1"], "--min-lr"],
      [["--epochs", "0"], "--epochs"],
      [["--targets", "qkv"], "targets"],
    ] as const) {
      const { code, stdout, stderr } = await call({}, ...more);
      expect(code, stderr).toBeGreaterThan(0);
      expect(stdout).toBe("");
      expect(stderr).toContain(reason);
    }
  });

  it("looks at a model of the hub without downloading it", async () => {
    const repo = "acme/tiny-vit";
    const commit = createHash("sha1").update("first").digest("hex");
    const [config, weights] = ["config.json", "model.safetensors"].map((name) =>
      readFileSync(join(folder, "backbone", name)),
    ) as [Buffer, Buffer];
    const hub = await startHub({
      [`${repo}@main`]: { commit, files: { "config.json": config, "model.safetensors": weights } },
    });
    try {
      const env = { HF_HOME: join(folder, "hf"), HF_ENDPOINT: hub.endpoint, HF_TOKEN: "" };
      const { code, stdout, stderr } = await call(env, "--backbone", repo, "--json");
      expect([code, stderr]).toEqual([0, ""]);
      expect(JSON.parse(stdout)).toMatchObject({ place: `hf:${repo}@${commit}`, images: { train: 24 } });
      expect(existsSync(join(folder, "hf"))).toBe(false);
      // Of the weights only where the header begins.
      expect(hub.log.filter((line) => line.startsWith("content model") && !/ [08]$/.test(line))).toEqual([]);
      const offline = await call(env, "--backbone", repo, "--offline");
      expect(offline.code).toBe(2);
      expect(offline.stderr).toContain("--offline");
    } finally {
      await hub.close();
    }
  });
});
