import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ConfigError } from "../../src/errors.js";
import { lockFolder } from "../../src/platform/lock.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sas-lock-"));
});
afterEach(() => rm(folder, { recursive: true }));

const hold = (text: string) => writeFile(join(folder, ".lock"), text);

describe("lockFolder", () => {
  it("holds a folder until it is released", async () => {
    const lock = await lockFolder(folder);
    const second = await lockFolder(folder).catch((e: unknown) => e);
    expect(second).toBeInstanceOf(ConfigError);
    expect((second as Error).message).toContain(`in use by process ${process.pid}`);
    await lock.release();
    expect(await readdir(folder)).toEqual([]);
    await (await lockFolder(folder)).release();
  });

  it("lets one of many win, over nothing and over a stale lock alike", async () => {
    for (const stale of [false, true]) {
      if (stale) await hold(JSON.stringify({ pid: 2 ** 30, started: "1" }));
      const results = await Promise.allSettled(Array.from({ length: 12 }, () => lockFolder(folder)));
      const won = results.filter((r) => r.status === "fulfilled");
      expect(won).toHaveLength(1);
      await won[0]?.value.release();
      expect(await readdir(folder)).toEqual([]);
    }
  });

  it("respects another living process, and takes over after its SIGKILL", async () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    await once(child, "spawn");
    await hold(JSON.stringify({ pid: child.pid }));
    await expect(lockFolder(folder)).rejects.toThrow(`process ${child.pid}`);
    child.kill("SIGKILL");
    await once(child, "exit");
    await (await lockFolder(folder)).release();
  });

  it.skipIf(process.platform !== "linux")(
    "sees that a number was given to a new process (start times: Linux only)",
    async () => {
      await hold(JSON.stringify({ pid: process.pid, started: "0" }));
      await (await lockFolder(folder)).release();
    },
  );

  it.skipIf(process.platform !== "linux")("takes over from a dead process that nobody has asked after", async () => {
    const parent = spawn("sh", ["-c", "sleep 0.3 & echo $!; exec sleep 20"], { stdio: ["ignore", "pipe", "ignore"] });
    try {
      const [line] = await once(parent.stdout, "data");
      const pid = Number(String(line));
      const started = (await readFile(`/proc/${pid}/stat`, "utf8")).split(" ")[21];
      await hold(JSON.stringify({ pid, started }));
      await expect(lockFolder(folder)).rejects.toThrow(`process ${pid}`);
      await vi.waitFor(async () => expect(await readFile(`/proc/${pid}/stat`, "utf8")).toContain(") Z "), 5000);
      await (await lockFolder(folder)).release();
    } finally {
      parent.kill("SIGKILL");
    }
  });

  it("takes over a lock nobody can have written", async () => {
    for (const text of ["", "{", "null", '{"pid":-1}', '{"pid":"1"}', '{"pid":1e99}']) {
      await hold(text);
      await (await lockFolder(folder)).release();
    }
  });

  it("says that a folder is missing", async () => {
    await expect(lockFolder(join(folder, "none"))).rejects.toThrow(/folder does not exist/);
  });
});
