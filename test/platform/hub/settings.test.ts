import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/errors.js";
import { hubSettings } from "../../../src/platform/hub/settings.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sas-hub-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("hubSettings", () => {
  it("finds the cache where Python's library keeps it", async () => {
    const cacheOf = async (env: NodeJS.ProcessEnv) => (await hubSettings(env)).cache;
    expect(await cacheOf({})).toBe(join(homedir(), ".cache", "huggingface", "hub"));
    expect(await cacheOf({ XDG_CACHE_HOME: "/x" })).toBe(join("/x", "huggingface", "hub"));
    expect(await cacheOf({ XDG_CACHE_HOME: "/x", HF_HOME: "~/hf" })).toBe(join(homedir(), "hf", "hub"));
    expect(await cacheOf({ HF_HOME: "/hf", HUGGINGFACE_HUB_CACHE: "/old" })).toBe("/old");
    expect(await cacheOf({ HF_HOME: "/hf", HUGGINGFACE_HUB_CACHE: "/old", HF_HUB_CACHE: "/new" })).toBe("/new");
  });

  it("finds the token in the environment first, then in its file", async () => {
    const tokenOf = async (env: NodeJS.ProcessEnv) => (await hubSettings({ HF_HOME: folder, ...env })).token;
    expect(await tokenOf({})).toBeUndefined();
    await writeFile(join(folder, "token"), " hf_file\r\n");
    expect(await tokenOf({})).toBe("hf_file");
    expect(await tokenOf({ HF_TOKEN: "hf_env" })).toBe("hf_env");
    expect(await tokenOf({ HUGGING_FACE_HUB_TOKEN: "hf_old" })).toBe("hf_old");
    await writeFile(join(folder, "other"), "hf_other");
    expect(await tokenOf({ HF_TOKEN_PATH: join(folder, "other") })).toBe("hf_other");
  });

  it("asks nothing of the network where either the caller or the environment says so", async () => {
    expect((await hubSettings({})).offline).toBe(false);
    expect((await hubSettings({}, true)).offline).toBe(true);
    for (const yes of ["1", "true", "ON", "yes"])
      expect((await hubSettings({ HF_HUB_OFFLINE: yes })).offline).toBe(true);
    expect((await hubSettings({ TRANSFORMERS_OFFLINE: "1" })).offline).toBe(true);
    expect((await hubSettings({ HF_HUB_OFFLINE: "0" })).offline).toBe(false);
  });

  it("takes another hub, proxies and limits", async () => {
    const env = { HF_ENDPOINT: "https://mirror.example/hf/", https_proxy: "http://p:1", HTTPS_PROXY: "http://q:2" };
    expect(
      await hubSettings({ ...env, NO_PROXY: "a,b", HF_HUB_DOWNLOAD_TIMEOUT: "3", HF_HUB_DISABLE_SYMLINKS: "1" }),
    ).toMatchObject({
      endpoint: "https://mirror.example/hf",
      proxies: { https: "http://p:1", none: "a,b" },
      timeoutMs: 3000,
      links: false,
    });
    for (const wrong of ["mirror.example", "ftp://x", "https://", "file:///x"]) {
      await expect(hubSettings({ HF_ENDPOINT: wrong })).rejects.toThrow(ConfigError);
    }
  });
});
