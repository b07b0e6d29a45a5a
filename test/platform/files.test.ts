import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError, RuntimeUnavailableError } from "../../src/errors.js";
import { appendLine, explainFailure, makeFolder, openBytes, writeAtomically } from "../../src/platform/files.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sas-files-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("writeAtomically", () => {
  it("writes pieces in their order, over an older file, and leaves nothing beside it", async () => {
    const path = join(folder, "a.bin");
    await writeAtomically(path, "old and longer");
    await writeAtomically(path, [Uint8Array.of(1, 2), new Uint8Array(0), Uint8Array.of(3)]);
    expect([...(await readFile(path))]).toEqual([1, 2, 3]);
    expect(await readdir(folder)).toEqual(["a.bin"]);
  });

  it("keeps the old file and cleans up when the content fails half-way", async () => {
    const path = join(folder, "a.bin");
    await writeAtomically(path, "old");
    const pieces = (function* () {
      yield Uint8Array.of(1);
      throw new Error("power cut");
    })();
    await expect(writeAtomically(path, pieces)).rejects.toThrow("power cut");
    expect(await readFile(path, "utf8")).toBe("old");
    expect(await readdir(folder)).toEqual(["a.bin"]);
  });

  it("survives many writers: the file is always one of theirs, complete", async () => {
    const path = join(folder, "a.txt");
    const texts = Array.from({ length: 20 }, (_, i) => `${i}`.repeat(5000));
    await Promise.all(texts.map((text) => writeAtomically(path, text)));
    expect(texts).toContain(await readFile(path, "utf8"));
    expect(await readdir(folder)).toEqual(["a.txt"]);
  });

  it("says what to do where the folder is missing or a folder is in the way", async () => {
    await expect(writeAtomically(join(folder, "none", "a"), "x")).rejects.toThrow(/its folder does not exist/);
    await mkdir(join(folder, "taken", "full"), { recursive: true });
    await expect(writeAtomically(join(folder, "taken"), "x")).rejects.toThrow();
    expect(await readdir(folder)).toEqual(["taken"]);
  });
});

describe("makeFolder", () => {
  it("makes a folder with those above it, at once with others", async () => {
    const path = join(folder, "a/b/c");
    await Promise.all([makeFolder(path), makeFolder(path), makeFolder(join(path, "d"))]);
    await makeFolder(path);
    expect(await readdir(path)).toEqual(["d"]);
  });

  it("says so where a file is in the way", async () => {
    await writeFile(join(folder, "file"), "");
    for (const path of [join(folder, "file"), join(folder, "file/a/b")])
      await expect(makeFolder(path)).rejects.toThrow(/no folder can be made there \(a file is in the way\)/);
    await expect(makeFolder(join(folder, "x".repeat(300)), "out")).rejects.toThrow(/^out: no folder.*ENAMETOOLONG/);
  });

  it.skipIf(!existsSync("/proc/self"))(
    "says so where nothing can be made (skipped: no /proc on this system)",
    async () => {
      await expect(makeFolder("/proc/x/y")).rejects.toThrow(ConfigError);
    },
  );
});

describe("appendLine", () => {
  it("adds one line each time", async () => {
    const path = join(folder, "metrics.jsonl");
    await appendLine(path, "{}");
    await appendLine(path, "[]");
    expect(await readFile(path, "utf8")).toBe("{}\n[]\n");
  });

  it.skipIf(!existsSync("/dev/full"))("tells a full disk (skipped: no /dev/full on this system)", async () => {
    const error = await appendLine("/dev/full", "{}").catch((e: unknown) => e);
    expect(error).toBeInstanceOf(RuntimeUnavailableError);
    expect((error as Error).message).toMatch(/^\/dev\/full: .*disk is full.*untouched/);
  });
});

describe("explainFailure", () => {
  it.each([
    ["ENOSPC", RuntimeUnavailableError],
    ["EDQUOT", RuntimeUnavailableError],
    ["EACCES", ConfigError],
    ["EROFS", ConfigError],
    ["EISDIR", ConfigError],
  ])("turns %s into one of our errors", (code, kind) => {
    const error = explainFailure(Object.assign(new Error("system"), { code }), "out/a", "write");
    expect(error).toBeInstanceOf(kind);
    expect((error as Error).message).toMatch(/^out\/a: /);
  });

  it("leaves every other value alone", () => {
    const error = new Error("mine");
    expect(explainFailure(error, "a", "read")).toBe(error);
    expect(explainFailure("text", "a", "read")).toBe("text");
  });
});

describe("openBytes", () => {
  it("reads ranges into memory threads can share, and knows the version", async () => {
    const path = join(folder, "a.bin");
    await writeFile(path, Uint8Array.of(0, 1, 2, 3, 4, 5));
    const file = await openBytes(path);
    expect(file.size).toBe(6);
    const bytes = await file.read(2, 3);
    expect([...bytes]).toEqual([2, 3, 4]);
    expect(bytes.buffer).toBeInstanceOf(SharedArrayBuffer);
    await file.close();
    const again = await openBytes(path);
    expect(again.version).toBe(file.version);
    await again.close();
    await writeFile(path, Uint8Array.of(9));
    const changed = await openBytes(path);
    expect(changed.version).not.toBe(file.version);
    await expect(changed.read(0, 2)).rejects.toThrow(/became shorter/);
    await changed.close();
  });

  it("says what is wrong with a path", async () => {
    await expect(openBytes(join(folder, "none"))).rejects.toThrow(/no such file/);
    await expect(openBytes(folder)).rejects.toThrow(/expected a file, got a folder/);
  });
});
