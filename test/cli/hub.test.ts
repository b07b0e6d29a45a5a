import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type HubServer, type ServedModel, startHub } from "../support/hub-server.js";
import { makeTinyTask } from "../support/tiny-task.js";
import { jsonLines, run } from "./command.js";

const repo = "acme/tiny-vit";
const [commit, next] = ["first", "next"].map((text) => createHash("sha1").update(text).digest("hex")) as [
  string,
  string,
];

let folder: string;
let hub: HubServer;
let env: NodeJS.ProcessEnv;
let other: Record<string, Uint8Array>;
beforeAll(async () => {
  folder = await makeTinyTask();
  const config = readFileSync(join(folder, "backbone", "config.json"));
  const weights = readFileSync(join(folder, "backbone", "model.safetensors"));
  hub = await startHub({
    [`${repo}@main`]: { commit, files: { "config.json": config, "model.safetensors": weights } },
  });
  other = { "config.json": config, "model.safetensors": Uint8Array.from(weights).fill(1, -64) };
});
afterAll(async () => {
  await hub.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  env = { HF_HOME: join(folder, "hf"), HF_ENDPOINT: hub.endpoint, XDG_CACHE_HOME: join(folder, "cache"), HF_TOKEN: "" };
  hub.log.length = 0;
});
const call = (...args: string[]) => run(args, { cwd: folder, env });
const small = ["--data", "data", "--epochs", "1", "--threads", "1", "--rank", "2", "--embedding", "2"];

describe("a backbone named as on the hub", () => {
  it("is downloaded and trained, and the run knows the commit", async () => {
    const outcome = await call("train", "--backbone", repo, ...small, "--out", "run", "--json");
    expect([outcome.code, outcome.stderr]).toEqual([0, ""]);
    const events = jsonLines(outcome);
    const downloads = events.filter(({ event }) => event === "download");
    expect(new Set(downloads.map(({ file }) => file))).toEqual(new Set(["config.json", "model.safetensors"]));
    for (const { backbone, receivedBytes, totalBytes } of downloads) {
      expect(backbone).toBe(repo);
      expect(receivedBytes).toBeLessThanOrEqual(totalBytes as number);
    }
    const place = `hf:${repo}@${commit}`;
    expect(events.at(-1)).toMatchObject({ event: "done", place });
    const record = JSON.parse(readFileSync(join(folder, "run", "config.json"), "utf8"));
    expect(record).toMatchObject({ config: { backbone: repo }, places: { backbone: place } });
    expect(readFileSync(join(folder, "run", "adapter.safetensors")).includes(folder)).toBe(false);
  });

  it("is found again by every command, without the network and after the branch has moved", async () => {
    hub.models.set(`${repo}@${commit}`, hub.models.get(`${repo}@main`) as ServedModel);
    hub.models.set(`${repo}@main`, { commit: next, files: other });
    const calls = [
      ["predict", "--run", "run", "data/test/red/0.png", "--json"],
      ["evaluate", "--run", "run", "--json"],
      ["predict", "--backbone", repo, "--offline", "data/test/red/0.png", "--json"],
      ["inspect", repo, "--offline", "--json"],
      ["inspect", "run", "--json"],
    ];
    for (const { code, stdout, stderr } of await Promise.all(calls.map((args) => call(...args)))) {
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout.trim().split("\n")).toHaveLength(1);
    }
    const suite = ["suite", "run", "--backbone", repo, "--data", "data", "--methods", "linear", "--seeds", "0"];
    const planned = await call(...suite, "--epochs", "1", "--out", "suite", "--offline", "--dry-run", "--json");
    expect([planned.code, jsonLines(planned).length]).toEqual([0, 1]);
    expect(hub.log).toEqual([]);
  });

  it("stays the run's where it goes on, whatever its branch means by now", async () => {
    rmSync(join(folder, "run", "result.json"));
    const args = ["train", "--backbone", repo, ...small, "--out", "run", "--json", "--resume"];
    const outcome = await call(...args);
    expect([outcome.code, hub.log]).toEqual([0, []]);
    expect(jsonLines(outcome).at(-1)).toMatchObject({ event: "done", place: `hf:${repo}@${commit}` });
    rmSync(join(folder, "run", "result.json"));
    const moved = await call(...args, "--revision", "main");
    expect(moved.code).toBe(2);
    expect(moved.stderr).toContain("the run began with other circumstances: backbone");
  });

  it("is shown with its commit; a person sees the download, a program nothing but the answer", async () => {
    rmSync(join(folder, "hf"), { recursive: true });
    const { code, stdout, stderr } = await call("inspect", `hf:${repo}@${commit}`);
    expect(code).toBe(0);
    expect(stdout).toContain(`backbone ${repo}\n`);
    expect(stdout).toContain(`place: hf:${repo}@${commit}\n`);
    expect(stderr).toMatch(/^downloading acme\/tiny-vit config\.json {2}\d+ B|^downloading acme\/tiny-vit config/);
    const again = await call("inspect", repo, "--revision", commit, "--json");
    expect(jsonLines(again)).toMatchObject([{ kind: "backbone", name: repo, place: `hf:${repo}@${commit}` }]);
  });

  it("is downloaded once by two commands at the same time", async () => {
    rmSync(join(folder, "hf"), { recursive: true });
    const outcomes = await Promise.all([1, 2].map(() => call("inspect", repo, "--json")));
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0]);
    expect(hub.log.filter((line) => line.startsWith("content model"))).toHaveLength(1);
    expect(readdirSync(join(folder, "hf", "hub", ".locks", "models--acme--tiny-vit"))).toEqual([]);
  });

  it("that is none ends with 2 and one clear line", async () => {
    const { code, stdout, stderr } = await call("predict", "--backbone", "acme/none", "data/test/red/0.png", "--json");
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^error: acme\/none: there is no such folder here, and no such model on 127\.0\.0\.1.*\n$/);
  });
});
