import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
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
  ...["--backbone", "backbone", "--data", "data", "--epochs", "4", "--batch-size", "10", "--seed", "3"],
  ...["--threads", "1", "--rank", "2", "--embedding", "2", "--transform", "decode|resize(16)|flip", "--clip", "none"],
  ...["--out", out, "--json", ...more],
];
const adapterOf = (out: string) => readFileSync(join(folder, out, "adapter.safetensors"));

describe("train, evaluate, predict, inspect", () => {
  it("train, report, and can be used", async () => {
    const outcome = await run(trainArgs("whole"), { cwd: folder });
    expect([outcome.code, outcome.stderr]).toEqual([0, ""]);
    const events = jsonLines(outcome);
    const done = events.at(-1);
    expect(events[0]).toMatchObject({
      event: "start",
      images: { train: 24, val: 12, test: 9 },
      resumed: null,
      head: 51,
    });
    expect(events.filter(({ event }) => event === "epoch")).toHaveLength(4);
    expect(done).toMatchObject({
      event: "done",
      method: "sas",
      head: 51,
      adapter: join("whole", "adapter.safetensors"),
    });
    expect(done?.share).toBe((done?.trainable as number) / (done?.total as number));
    for (const score of [done?.val, done?.test]) expect(score).toHaveProperty("top1");
    expect(JSON.parse(readFileSync(join(folder, "whole/result.json"), "utf8"))).toEqual(done);
    expect(adapterOf("whole").includes(folder)).toBe(false);

    const evaluated = await run(["evaluate", "--run", "whole", "--data", "data", "--json"], { cwd: folder });
    expect(jsonLines(evaluated)).toEqual([{ run: "whole", split: "test", images: 9, ...(done?.test as object) }]);

    const photos = ["data/test/red/0.png", "data/test/green/*.png"];
    const predicted = jsonLines(
      await run(["predict", "--run", "whole", "--top-k", "2", "--json", ...photos], { cwd: folder }),
    );
    expect(predicted.map(({ file }) => file)).toEqual([photos[0], ...[0, 1, 2].map((i) => `data/test/green/${i}.png`)]);
    for (const { top } of predicted as unknown as { top: { index: number; class: string; probability: number }[] }[]) {
      expect(top).toHaveLength(2);
      expect(top[0].probability).toBeGreaterThanOrEqual(top[1].probability);
      expect(top[0].class).toBe(["blue", "green", "red"][top[0].index]);
      expect(Object.keys(top[0])).toEqual(["index", "class", "probability"]);
    }
    const absolute = join(folder, "data/test/green/*.png").replaceAll("\\", "/");
    const fromRoot = jsonLines(await run(["predict", "--run", join(folder, "whole"), "--json", absolute]));
    expect(fromRoot.map(({ file }) => file)).toEqual([0, 1, 2].map((i) => absolute.replace("*", String(i))));
    const inspected = await run(["inspect", "whole"], { cwd: folder });
    expect(inspected.stdout).toContain("trainable params: ");
    expect(inspected.stdout).toContain("head params: 51");
    for (const target of ["whole/adapter.safetensors", "backbone", "data"]) {
      expect((await run(["inspect", target, "--json"], { cwd: folder })).code).toBe(0);
    }
  });

  it("an existing run is left alone without --resume, and with it when it is finished", async () => {
    const contents = () =>
      readdirSync(join(folder, "whole")).map((name) => readFileSync(join(folder, "whole", name), "hex"));
    const before = contents();
    const again = await run(trainArgs("whole"), { cwd: folder });
    expect([again.code, again.stdout]).toEqual([2, ""]);
    const resumed = await run(trainArgs("whole", "--resume"), { cwd: folder });
    expect(resumed.code).toBe(0);
    expect(jsonLines(resumed)).toMatchObject([{ event: "done" }]);
    const other = await run(trainArgs("whole", "--resume", "--lr", "0.1"), { cwd: folder });
    expect(other.code).toBe(2);
    expect(other.stderr).toContain("lr");
    expect(contents()).toEqual(before);
  });

  it("ends in the same adapter after SIGKILL at any moment", async () => {
    for (const [index, steps] of [0, 1, 4, 8].entries()) {
      const out = `killed-${index}`;
      const frequent = ["--checkpoint-seconds", "0.001"];
      const { child, done } = start(trainArgs(out, ...frequent), {
        cwd: folder,
        onOutput(all) {
          if ((all.match(/"event":"step"/g) ?? []).length >= steps) child.kill("SIGKILL");
        },
      });
      expect((await done).code).toBe(null);
      const resumed = await run(trainArgs(out, "--resume", ...frequent), { cwd: folder });
      expect([resumed.code, resumed.stderr]).toEqual([0, ""]);
      expect(adapterOf(out).equals(adapterOf("whole"))).toBe(true);
      expect(readFileSync(join(folder, out, "metrics.jsonl"), "utf8")).toBe(
        readFileSync(join(folder, "whole/metrics.jsonl"), "utf8"),
      );
      expect(readdirSync(join(folder, out)).filter((name) => name.endsWith(".tmp") || name === ".lock")).toEqual([]);
    }
  });

  it.skipIf(process.platform === "win32")(
    "saves and exits 130 at Ctrl-C, and a second process finds the folder locked",
    async () => {
      let locked: ReturnType<typeof run> | undefined;
      const { child, done } = start(trainArgs("stopped", "--epochs", "400"), {
        cwd: folder,
        onOutput(all) {
          if (locked || !all.includes('"event":"epoch"')) return;
          locked = run(trainArgs("stopped", "--epochs", "400", "--resume"), { cwd: folder });
          locked.then(() => child.kill("SIGINT"));
        },
      });
      const outcome = await done;
      expect(outcome.code).toBe(130);
      expect(jsonLines(outcome).at(-1)?.event).toBe("checkpoint");
      expect(await locked).toMatchObject({ code: 2 });
      expect((await locked)?.stderr).toContain("in use");
      expect(existsSync(join(folder, "stopped/checkpoint.safetensors"))).toBe(true);
      expect(existsSync(join(folder, "stopped/adapter.safetensors"))).toBe(false);
    },
  );

  it("trains the other methods, and full from random weights", async () => {
    for (const [out, ...more] of [
      ["linear", "--method", "linear"],
      ["full", "--method", "full"],
      ["random", "--method", "full", "--init", "random"],
    ]) {
      const args = trainArgs(out, ...more).filter((arg, i, all) => {
        const isSas = (text: string | undefined) => text === "--rank" || text === "--embedding";
        return !isSas(arg) && !isSas(all[i - 1]);
      });
      const outcome = await run(args, { cwd: folder });
      expect([outcome.code, outcome.stderr]).toEqual([0, ""]);
      const done = jsonLines(outcome).at(-1);
      const evaluated = await run(["evaluate", "--run", out, "--data", "data", "--json"], { cwd: folder });
      const [found] = jsonLines(evaluated);
      const test = done?.test as { readonly top1: number; readonly nll: number } | undefined;
      expect(found.top1).toBe(test?.top1);
      expect(found.nll).toBeCloseTo(test?.nll ?? Number.NaN, 5);
    }
  });

  it("a missing split is null", async () => {
    cpSync(join(folder, "data/train"), join(folder, "plain/train"), { recursive: true });
    const outcome = await run(
      trainArgs("no-test").map((arg) => (arg === "data" ? "plain" : arg)),
      { cwd: folder },
    );
    expect(jsonLines(outcome).at(-1)).toMatchObject({ val: null, test: null, best: null });
    const evaluated = await run(["evaluate", "--run", "no-test", "--data", "plain"], { cwd: folder });
    expect(evaluated.code).toBe(2);
  });
});

describe("bad input", () => {
  it("refuses unreadable training images before anything is written, or goes on without", async () => {
    cpSync(join(folder, "data"), join(folder, "damaged"), { recursive: true });
    truncateSync(join(folder, "damaged/train/red/0.png"), 100);
    writeFileSync(join(folder, "damaged/test/blue/0.png"), "no image");
    const args = (out: string, ...more: string[]) =>
      trainArgs(out, ...more).map((arg) => (arg === "data" ? "damaged" : arg));
    const refused = await run(args("bad"), { cwd: folder });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(join("train", "red", "0.png").replaceAll("\\", "/"));
    expect(existsSync(join(folder, "bad"))).toBe(false);
    const skipped = await run(args("bad", "--skip-unreadable"), { cwd: folder });
    expect(skipped.code).toBe(0);
    expect(skipped.stderr).toContain("left out: ");
    expect(jsonLines(skipped)[0]).toMatchObject({ images: { train: 23, val: 12, test: 8 } });
  });

  it("predict finishes the good ones and exits 1", async () => {
    const files = ["data/test/red/0.png", "damaged/train/red/0.png", "damaged/test/blue/0.png", "data/test/red/1.png"];
    const outcome = await run(["predict", "--backbone", "backbone", "--json", ...files], { cwd: folder });
    expect(outcome.code).toBe(1);
    expect(jsonLines(outcome).map(({ file }) => file)).toEqual([files[0], files[3]]);
    const [first] = jsonLines(outcome) as unknown as { top: { index: number; class: string }[] }[];
    expect(first.top).toHaveLength(5);
    expect(first.top[0].class).toBe(String(first.top[0].index));
    expect(outcome.stderr.match(/^error: /gm)).toHaveLength(2);
  });

  it("predict finishes what is there where another file is missing", async () => {
    const files = ["data/test/red/0.png", "nowhere.jpg", "*.nothing"];
    const outcome = await run(["predict", "--backbone", "backbone", "--json", ...files], { cwd: folder });
    expect(outcome.code).toBe(1);
    expect(jsonLines({ ...outcome, code: 0 }).map(({ file }) => file)).toEqual([files[0]]);
    expect(outcome.stderr).toContain("nowhere.jpg, *.nothing");
  });

  it("predict reads a list of files, or one image, from stdin", async () => {
    const args = ["predict", "--backbone", "backbone", "--json", "-"];
    const list = await run(args, { cwd: folder, input: "data/test/red/0.png\r\ndata/test/red/1.png\n" });
    expect(jsonLines(list)).toHaveLength(2);
    const image = await run(args, { cwd: folder, input: readFileSync(join(folder, "data/test/red/0.png")) });
    expect(jsonLines(image)).toMatchObject([{ file: "-", top: (jsonLines(list)[0] as { top: unknown }).top }]);
  });

  it("names damaged files, whatever they are", async () => {
    cpSync(join(folder, "backbone"), join(folder, "cut"), { recursive: true });
    truncateSync(join(folder, "cut/model.safetensors"), 5000);
    const cut = await run(["predict", "--backbone", "cut", "data/test/red/0.png"], { cwd: folder });
    expect([cut.code, cut.stdout]).toEqual([1, ""]);
    expect(cut.stderr).toContain("model.safetensors");
    cpSync(join(folder, "whole"), join(folder, "cut-run"), { recursive: true });
    truncateSync(join(folder, "cut-run/adapter.safetensors"), 300);
    const run1 = await run(["evaluate", "--run", "cut-run", "--data", "data"], { cwd: folder });
    expect([run1.code, run1.stdout]).toEqual([1, ""]);
    expect(run1.stderr).toContain("adapter.safetensors");
  });

  it("another backbone is refused", async () => {
    const { openBackbone, writeBackbone } = await import("../../src/platform/backbone.js");
    const { randomWeights } = await import("../../src/vit/random-weights.js");
    const { architecture, contract } = await openBackbone(join(folder, "backbone"));
    await writeBackbone(join(folder, "other"), {
      architecture,
      contract,
      weights: randomWeights(architecture, () => () => 0.5),
    });
    const outcome = await run(["predict", "--run", "whole", "--backbone", "other", "data/test/red/0.png"], {
      cwd: folder,
    });
    expect(outcome.code).toBe(2);
    expect(outcome.stderr).toContain("not the weights");
  });

  it.skipIf(process.platform === "win32")("ends quietly when its reader goes away", () => {
    const command = `"${process.execPath}" "${main}" predict --backbone backbone data/test --json | head -n 1`;
    const { stderr, stdout } = spawnSync("/bin/sh", ["-c", command], { cwd: folder, encoding: "utf8" });
    expect(stdout.trim().split("\n")).toHaveLength(1);
    expect(stderr).toBe("");
  });

  it("escapes what a class name would do to the terminal", async () => {
    for (const name of ["a\u001b[31m", "b"]) {
      const place = join(folder, "hostile", "train", name);
      mkdirSync(place, { recursive: true });
      cpSync(join(folder, "data/train/red"), place, { recursive: true });
    }
    const outcome = await run(["inspect", "hostile"], { cwd: folder });
    expect(outcome.code).toBe(0);
    expect(outcome.stdout).not.toContain("\u001b");
  });
});
