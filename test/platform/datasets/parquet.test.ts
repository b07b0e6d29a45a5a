import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GroupCache } from "../../../src/platform/datasets/parquet-cache.js";
import { openShard, readImages, type Shard } from "../../../src/platform/datasets/parquet-shard.js";
import { openDataset } from "../../../src/platform/datasets.js";
import { parquetFile } from "../../data/parquet-file.js";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "sas-petl-parquet-"));
});
afterEach(() => rm(root, { recursive: true }));

const imageBytes = 1000;
const image = (seed: number): Uint8Array => new Uint8Array(imageBytes).fill(seed);
const groups = [0, 1, 2, 3].map((group) =>
  Array.from({ length: 5 }, (_, i) => [image(10 * group + i), i % 2] as const),
);

async function put(name: string, bytes: Uint8Array): Promise<string> {
  await mkdir(dirname(join(root, name)), { recursive: true });
  await writeFile(join(root, name), bytes);
  return join(root, name);
}

/** The shard, and how many of its bytes have been read. */
async function counted(path: string): Promise<{ shard: Shard; bytesRead: () => number }> {
  const shard = await openShard(path);
  let count = 0;
  const file = {
    byteLength: shard.file.byteLength,
    async slice(start: number, end?: number) {
      const bytes = await shard.file.slice(start, end);
      count += bytes.byteLength;
      return bytes;
    },
  };
  return { shard: { ...shard, file }, bytesRead: () => count };
}

describe("images of parquet", () => {
  const groupBytes = 5 * (imageBytes + 4);
  const slack = 200;

  it("are read once when they are read in order, whatever is kept", async () => {
    const { shard, bytesRead } = await counted(await put("train-0.parquet", parquetFile(groups)));
    const cache = new GroupCache(1);
    for (let i = 0; i < 20; i++) expect((await readImages(shard, cache, i))[0]).toBe(10 * Math.floor(i / 5) + (i % 5));
    expect(bytesRead()).toBeGreaterThanOrEqual(4 * groupBytes);
    expect(bytesRead()).toBeLessThan(4 * (groupBytes + slack));
  });

  it("cost the group they lie in, and nothing the second time while it is kept", async () => {
    const { shard, bytesRead } = await counted(await put("train-0.parquet", parquetFile(groups)));
    const cache = new GroupCache(2.5 * groupBytes);
    await readImages(shard, cache, 17);
    expect(bytesRead()).toBeLessThan(groupBytes + slack);
    for (const row of [0, 16, 3, 15]) await readImages(shard, cache, row);
    expect(bytesRead()).toBeLessThan(2 * (groupBytes + slack));
    // A third group sends away the one that was not used for longest: the first.
    await readImages(shard, cache, 18);
    await readImages(shard, cache, 9);
    await readImages(shard, cache, 19);
    expect(bytesRead()).toBeLessThan(3 * (groupBytes + slack));
    await readImages(shard, cache, 0);
    expect(bytesRead()).toBeGreaterThan(4 * groupBytes);
  });

  it("are opened without reading any of them", async () => {
    const { bytesRead, shard } = await counted(await put("train-0.parquet", parquetFile(groups)));
    expect([bytesRead(), shard.ends, shard.label, shard.image]).toEqual([
      0,
      [5, 10, 15, 20],
      "label",
      ["image", "bytes"],
    ]);
  });

  it("may lie deeper, as bytes alone, with names as labels, or in folders of splits", async () => {
    const named = (label: string) => [[[image(1), label] as const, [image(2), "dog"] as const]];
    for (const path of [["sample", "picture", "bytes"], ["img", "bytes"], ["jpg"]]) {
      await put("default/train/0000.parquet", parquetFile(named("cat"), undefined, undefined, path));
      await put("default/validation/0000.parquet", parquetFile(named("dog"), undefined, undefined, path));
      const { classes, splits } = await openDataset(join(root, "default"));
      expect([classes, Array.from(splits.train?.labels ?? []), Array.from(splits.val?.labels ?? [])]).toEqual([
        ["cat", "dog"],
        [0, 1],
        [1, 1],
      ]);
      expect((await splits.train?.read(1))?.[0]).toBe(2);
    }
  });

  it("are missed by name where a part is not there, and refused where parts disagree", async () => {
    const part = (i: number) => `data/train-0000${i}-of-00003.parquet`;
    for (const i of [0, 2]) await put(part(i), parquetFile(groups, ["cat", "dog"]));
    await expect(openDataset(root)).rejects.toThrow(/train-00001-of-00003.parquet: the file is missing, one of 00003/);
    await put(part(1), parquetFile(groups, ["dog", "cat"]));
    await expect(openDataset(root)).rejects.toThrow(/00001-of-00003.parquet: its class names are not those of/);
    await put(part(1), parquetFile(groups, ["cat", "dog"]));
    expect((await openDataset(root)).splits.train?.count).toBe(60);
  });

  it("of one file are all for training, with names from a file beside", async () => {
    const path = await put("flowers.parquet", parquetFile(groups));
    await put("classes.txt", new TextEncoder().encode("rose\ntulip\n"));
    expect(await openDataset(path)).toMatchObject({
      classes: ["rose", "tulip"],
      splits: { train: { count: 20 }, val: null },
    });
  });
});
