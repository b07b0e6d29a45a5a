import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digestDataset, type Examples, requireSplit } from "../../../src/data/dataset.js";
import { ConfigError, FormatError } from "../../../src/errors.js";
import { openTarGz } from "../../../src/platform/datasets/tar.js";
import { openDataset } from "../../../src/platform/datasets.js";
import { type Packed, tarFile, zipFile } from "../../support/archives.js";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "sas-petl-archive-"));
});
afterEach(() => rm(root, { recursive: true }));

const content = (name: string): Uint8Array => new TextEncoder().encode(`${name} `.repeat(40));
const packed = (...names: readonly string[]): Packed[] => names.map((name) => ({ name, bytes: content(name) }));
const tree = ["train/a/1.jpg", "train/a/2.png", "train/b/1.jpg", "test/b/1.webp", "train/a/notes.txt"];
const put = async (name: string, bytes: Uint8Array): Promise<string> => {
  await mkdir(dirname(join(root, name)), { recursive: true });
  await writeFile(join(root, name), bytes);
  return join(root, name);
};
const ids = (examples: Examples | null): string[] =>
  examples ? Array.from({ length: examples.count }, (_, i) => examples.id(i)) : [];

const writers = {
  "a.zip": zipFile,
  "zip64.zip": (files: readonly Packed[]) => zipFile(files, { zip64: true }),
  "stored.zip": (files: readonly Packed[]) => zipFile(files.map((file) => ({ ...file, method: 0 }))),
  "a.tar": tarFile,
  "a.tar.gz": (files: readonly Packed[]) => gzipSync(tarFile(files)),
  "a.tgz": (files: readonly Packed[]) => gzipSync(tarFile(files)),
};

describe.each(Object.entries(writers))("%s", (name, write) => {
  it("is the same data set as the folder that was packed", async () => {
    for (const file of tree) await put(`folder/${file}`, content(file));
    const path = await put(name, write(packed(...tree)));
    const [folder, archive] = [await openDataset(join(root, "folder")), await openDataset(path)];
    expect(await digestDataset(archive)).toBe(await digestDataset(folder));
    const train = requireSplit(archive, "train");
    for (let i = 0; i < train.count; i++)
      expect(Buffer.from(await train.read(i))).toEqual(Buffer.from(content(train.id(i))));
    expect(archive.layout).toBe("split folders");
  });

  it("may begin with a folder of its own, and hold what computers leave behind", async () => {
    const files = packed("flowers/rose/1.jpg", "flowers/tulip/1.jpg", "__MACOSX/flowers/._1.jpg", "flowers/.DS_Store");
    const dataset = await openDataset(await put(name, write(files)), { valFraction: 0 });
    expect([dataset.classes, ids(dataset.splits.train)]).toEqual([
      ["rose", "tulip"],
      ["rose/1.jpg", "tulip/1.jpg"],
    ]);
  });

  it("may hold a list", async () => {
    const list = { name: "set/train.csv", bytes: new TextEncoder().encode("path,label\nx/1.jpg,cat\nx/2.jpg,dog\n") };
    const dataset = await openDataset(await put(name, write([list, ...packed("set/x/1.jpg", "set/x/2.jpg")])));
    expect([dataset.layout, dataset.classes]).toEqual(["table", ["cat", "dog"]]);
  });

  it("may hold samples", async () => {
    const label = (key: string, text: string): Packed => ({
      name: `${key}.cls`,
      bytes: new TextEncoder().encode(text),
    });
    const files = [...packed("000.jpg"), label("000", "1"), ...packed("001.png"), label("001", "0\n")];
    const dataset = await openDataset(await put(name, write(files)), { valFraction: 0 });
    expect([dataset.layout, dataset.classes, Array.from(dataset.splits.train?.labels ?? [])]).toEqual([
      "webdataset",
      ["0", "1"],
      [1, 0],
    ]);
    expect(ids(dataset.splits.train)).toEqual([`${name}/000.jpg`, `${name}/001.png`]);
    await expect(openDataset(await put(name, write([...files, ...packed("002.jpg")])))).rejects.toThrow(/no 002.cls/);
  });

  it("with a name that leads out is refused", async () => {
    for (const bad of ["../evil.jpg", "a/../../evil.jpg", "/etc/evil.jpg", "C:/evil.jpg", "a\\evil.jpg"]) {
      const opened = openDataset(await put(name, write(packed("a/1.jpg", bad))));
      await expect(opened, bad).rejects.toThrow(FormatError);
      await expect(opened, bad).rejects.toThrow(/leads out of the archive or is not portable/);
    }
  });

  it("that was damaged anywhere is read, or refused by name", async () => {
    const whole = write(packed("a/1.jpg", "b/1.jpg"));
    const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 4 }), fc.nat({ max: 40 }), async (changes, cut) => {
        const damaged = Uint8Array.from(whole.subarray(0, whole.length - cut));
        for (const [at, value] of changes) if (at < damaged.length) damaged[at] = value;
        const path = await put(name, damaged);
        const read = openDataset(path, { valFraction: 0 }).then(({ splits }) => splits.train?.read(0));
        await read.catch((error: unknown) => {
          expect(error instanceof FormatError || error instanceof ConfigError, String(error)).toBe(true);
          expect((error as Error).message).toContain(path);
        });
      }),
      { numRuns: 60 },
    );
  });
});

describe("a zip archive", () => {
  const refused = async (files: readonly Packed[], message: RegExp): Promise<void> => {
    const opened = openDataset(await put("bad.zip", zipFile(files)), { valFraction: 0 }).then(({ splits }) =>
      splits.train?.read(0),
    );
    await expect(opened).rejects.toThrow(FormatError);
    await expect(opened).rejects.toThrow(message);
  };
  const one = { name: "a/1.jpg", bytes: content("a/1.jpg") };

  it("is refused where it is encrypted, oddly packed, a link, or twice the same", async () => {
    await refused([{ ...one, flags: 1 }], /"a\/1.jpg" is encrypted; expected an archive without a password/);
    await refused([{ ...one, method: 93 }], /packed with zstd/);
    await refused([{ ...one, method: 77 }], /packed with method 77/);
    await refused([{ ...one, attributes: 0xa1ff0000 }], /is a link/);
    await refused([one, one], /is there twice/);
  });

  it("is refused where it is a bomb, before memory is taken", async () => {
    await refused([{ ...one, claimed: 2 ** 31 }], /claims 2147483648 bytes packed into \d+/);
    await refused([{ ...one, claimed: 2 ** 26 }], /claims 67108864 bytes/);
    await refused([{ ...one, claimed: 500 }], /cannot be unpacked into the 500 bytes/);
    const flat = { ...one, bytes: new Uint8Array(2 ** 26 + 1) };
    await refused([flat], /claims 67108865 bytes packed into \d+, which no image is/);
    // The file is longer than it says: no more than what is claimed is unpacked.
    await refused([{ ...one, bytes: new Uint8Array(5_000_000), claimed: 50 }], /cannot be unpacked/);
    await refused([one, { ...one, name: "a/2.jpg", offset: 0 }], /overlaps another/);
    await refused([one, { ...one, name: "a/2.jpg", offset: 2 ** 31 }], /lies outside the file/);
  });

  it("is refused where the checksum is wrong", async () => {
    const bytes = zipFile([{ ...one, method: 0 }]);
    bytes[60] = (bytes[60] ?? 0) ^ 1;
    const dataset = await openDataset(await put("bad.zip", bytes), { valFraction: 0 });
    await expect(dataset.splits.train?.read(0)).rejects.toThrow(/bad.zip\/a\/1.jpg: its checksum is wrong/);
  });

  it("that is exchanged while it is in use is noticed", async () => {
    const dataset = await openDataset(await put("x.zip", zipFile([one])), { valFraction: 0 });
    await put("x.zip", zipFile([{ ...one, bytes: content("other") }]));
    await expect(dataset.splits.train?.read(0)).rejects.toThrow(/changed while it was in use/);
  });
});

describe("a tar archive", () => {
  it("may have long names, hard links, and files that came later", async () => {
    const long = `a/${"x".repeat(120)}.jpg`;
    const next = `a/${"y".repeat(120)}.jpg`;
    const record = ` path=${next}\n`;
    const length = record.length + 3;
    const files: Packed[] = [
      { name: "././@LongLink", bytes: new TextEncoder().encode(`${long}\0`), kind: "L" },
      { name: "a/cut.jpg", bytes: content("long") },
      { name: "PaxHeader", bytes: new TextEncoder().encode(`${length}${record}`), kind: "x" },
      { name: "a/cut.jpg", bytes: content("pax") },
      ...packed("a/0.jpg"),
      { name: "b/1.jpg", bytes: new Uint8Array(0), kind: "1", link: "a/0.jpg" },
      { name: "a/0.jpg", bytes: content("newer") },
    ];
    for (const [name, bytes] of [["a.tar", tarFile(files)] as const, ["a.tgz", gzipSync(tarFile(files))] as const]) {
      const { splits } = await openDataset(await put(name, bytes), { valFraction: 0 });
      expect(ids(splits.train)).toEqual(["a/0.jpg", long, next, "b/1.jpg"]);
      const texts = await Promise.all([0, 1, 2, 3].map(async (i) => Buffer.from((await splits.train?.read(i)) ?? [])));
      expect(texts.map((text) => text.toString().split(" ")[0])).toEqual(["newer", "long", "pax", "a/0.jpg"]);
    }
  });

  it("is refused where it holds links to elsewhere, holes, or is cut off", async () => {
    const open = async (bytes: Uint8Array) => openDataset(await put("bad.tar", bytes), { valFraction: 0 });
    const odd = (kind: string): Packed => ({ name: "a/2.jpg", bytes: new Uint8Array(0), kind, link: "/etc/passwd" });
    await expect(open(tarFile([...packed("a/1.jpg"), odd("2")]))).rejects.toThrow(/"a\/2.jpg" is a link; .* tar -h/);
    await expect(open(tarFile([...packed("a/1.jpg"), odd("S")]))).rejects.toThrow(/holes/);
    await expect(open(tarFile(packed("a/1.jpg")).subarray(0, 700))).rejects.toThrow(/cut off/);
    await expect(open(content("no archive at all").subarray(0, 512))).rejects.toThrow(
      /bad.tar: this is no tar archive/,
    );
  });

  it("that is compressed takes no more memory than it may", async () => {
    const path = await put(
      "a.tgz",
      gzipSync(tarFile([...packed("a/1.jpg"), { name: "film.mp4", bytes: new Uint8Array(1e6) }])),
    );
    expect(await (await openTarGz(path, 1000)).size("a/1.jpg")).toBe(320);
    const refused = openTarGz(path, 100);
    await expect(refused).rejects.toThrow(ConfigError);
    await expect(refused).rejects.toThrow(/Unpack it with gunzip: a plain .tar can/);
  });
});

it.each([
  ["a.tar.bz2", [0x42, 0x5a, 0x68, 0x39], /this is bzip2; expected a folder, .zip, .tar or .tar.gz/],
  ["a.7z", [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], /this is 7z/],
  ["a.zip", [], /the file is empty/],
  ["a.doc", [1, 2, 3], /this is no archive/],
  ...["a.zip", "a.tar", "a.csv", "a.parquet"].flatMap((name): [string, number[], RegExp][] => [
    [
      name,
      [...Buffer.from("version https://git-lfs.github.com/spec/v1\n")],
      /this is a Git LFS pointer.*Run git lfs pull/,
    ],
    [name, [...Buffer.from("\n<!DOCTYPE html>\n<html>")], /this is a web page.*Download the file itself/],
  ]),
])("%s is refused by name", async (name, bytes, message) => {
  await expect(openDataset(await put(name, Uint8Array.from(bytes)))).rejects.toThrow(message);
});

it("holds images in folders below its class folders", async () => {
  const { classes, splits } = await openDataset(
    await put("deep.zip", zipFile(packed("set/dog/b/2.jpg", "set/cat/1.jpg", "set/dog/1.jpg"))),
    { valFraction: 0 },
  );
  const paths = Array.from({ length: 3 }, (_, i) => splits.train?.id(i));
  expect([classes, paths]).toEqual([
    ["cat", "dog"],
    ["cat/1.jpg", "dog/1.jpg", "dog/b/2.jpg"],
  ]);
});

it("in a folder is pointed at where the folder holds nothing else to read", async () => {
  await put("only/flowers.zip", zipFile(packed("a/1.jpg")));
  await expect(openDataset(join(root, "only"))).rejects.toThrow(/Perhaps you mean .*only.flowers.zip/);
  await put("deep/photo/dog/1.jpg", content("dog"));
  await expect(openDataset(join(root, "deep"))).rejects.toThrow(/Perhaps you mean .*deep.photo\./);
});

it("samples of several archives are joined, split by split", async () => {
  await mkdir(join(root, "shards"));
  const shard = (...labels: string[]): Uint8Array =>
    tarFile(
      labels.flatMap((label, i) => [
        ...packed(`${i}.jpg`),
        { name: `${i}.cls`, bytes: new TextEncoder().encode(label) },
      ]),
    );
  await put("shards/train-000000.tar", shard("0", "1"));
  await put("shards/train-000001.tar", shard("1"));
  await put("shards/val-000000.tar", shard("0"));
  await put("shards/classes.txt", new TextEncoder().encode("cat\r\ndog\r\n"));
  const { classes, splits } = await openDataset(join(root, "shards"));
  expect([classes, ids(splits.train), ids(splits.val), Array.from(splits.train?.labels ?? [])]).toEqual([
    ["cat", "dog"],
    ["train-000000.tar/0.jpg", "train-000000.tar/1.jpg", "train-000001.tar/0.jpg"],
    ["val-000000.tar/0.jpg"],
    [0, 1, 1],
  ]);
});
