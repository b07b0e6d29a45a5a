import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ConfigError } from "../../src/errors.js";
import { locateBackbone, openLocated } from "../../src/platform/hub.js";
import { type HubServer, startHub } from "../support/hub-server.js";
import { makeTinyTask } from "../support/tiny-task.js";

const repo = "acme/tiny-vit";
const commit = createHash("sha1").update("first").digest("hex");

let folder: string;
let hub: HubServer;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sas-hub-"));
  hub = await startHub({ [`${repo}@main`]: { commit, files: { "model.safetensors": new Uint8Array(9) } } });
  vi.stubEnv("HF_HOME", join(folder, "hf"));
  vi.stubEnv("HF_HUB_CACHE", "");
  vi.stubEnv("HF_ENDPOINT", hub.endpoint);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await hub.close();
  await rm(folder, { recursive: true });
});

describe("locateBackbone", () => {
  const snapshot = () => join(folder, "hf", "hub", "models--acme--tiny-vit", "snapshots", commit);

  it("takes a folder first, and the hub where there is none or hf: is written", async () => {
    const found = { folder: snapshot(), place: `hf:${repo}@${commit}` };
    expect(await locateBackbone(repo)).toEqual(found);
    const back = process.cwd();
    await mkdir(join(folder, repo), { recursive: true });
    try {
      process.chdir(folder);
      expect(await locateBackbone(repo)).toEqual({ folder: repo, place: resolve(repo) });
      expect(await locateBackbone(`hf:${repo}`)).toEqual(found);
    } finally {
      process.chdir(back);
    }
  });

  it("takes any other name as a folder's, without asking anybody", async () => {
    for (const name of ["vit_tiny_patch16_224", "./acme/none", "/acme/none", folder]) {
      expect((await locateBackbone(name)).folder).toBe(name);
    }
    expect(hub.log).toEqual([]);
  });

  it("takes a revision in two places, but not two of them", async () => {
    hub.models.set(`${repo}@v1`, { commit, files: { "model.safetensors": new Uint8Array(9) } });
    expect((await locateBackbone(`${repo}@v1`)).place).toBe(`hf:${repo}@${commit}`);
    expect((await locateBackbone(repo, { revision: "v1" })).place).toBe(`hf:${repo}@${commit}`);
    expect((await locateBackbone(`${repo}@v1`, { revision: "v1", offline: true })).folder).toBe(snapshot());
  });

  it.each<[string, Parameters<typeof locateBackbone>[1], RegExp]>([
    ["acme/none", {}, /no such folder here, and no such model on 127\.0\.0\.1/],
    ["acme/none", { offline: true }, /is not in .*hub, and the network is not to be asked/],
    [".", { revision: "main" }, /a folder has no revision main/],
    ["none", { revision: "main" }, /expected owner\/name beside the revision main/],
    [`${repo}@v1`, { revision: "v2" }, /the revision is also given as v2/],
    ["hf:nobody", {}, /expected hf:owner\/name/],
    [repo, { revision: "../x" }, /revision: expected a branch/],
  ])("refuses %s with %j", async (name, options, message) => {
    await expect(locateBackbone(name, options)).rejects.toThrow(message);
    await expect(locateBackbone(name, options)).rejects.toBeInstanceOf(ConfigError);
  });
});

describe("openLocated", () => {
  it("names a network by its architecture, else by the hub's name, never by the commit", async () => {
    const task = await makeTinyTask();
    try {
      const names = ["config.json", "model.safetensors"];
      const contents = await Promise.all(names.map((name) => readFile(join(task, "backbone", name))));
      const files = Object.fromEntries(names.map((name, i) => [name, contents[i] as Uint8Array]));
      hub.models.set(`${repo}@main`, { commit, files });
      const { name, place, architecture } = await openLocated(repo);
      expect({ name, place }).toEqual({ name: architecture.name ?? repo, place: `hf:${repo}@${commit}` });
      expect((await openLocated(join(task, "backbone"))).name).toBe("backbone");
    } finally {
      await rm(task, { recursive: true });
    }
  });
});
