import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Dataset, digestDataset, type Examples, requireSplit } from "../../src/data/dataset.js";
import { ConfigError, FormatError } from "../../src/errors.js";
import { openDataset } from "../../src/platform/datasets.js";
import { parquetFile } from "../data/parquet-file.js";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "sas-petl-data-"));
});
afterEach(() => rm(root, { recursive: true }));

/** Writes files below the root; contents do not matter to the layouts. */
async function put(...names: readonly string[]): Promise<void> {
  for (const name of names) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), name);
  }
}
const putText = (name: string, text: string): Promise<void> => writeFile(join(root, name), text);
const ids = (examples: Examples | null): string[] =>
  examples ? Array.from({ length: examples.count }, (_, i) => examples.id(i)) : [];
const counts = ({ splits }: Dataset): (number | null)[] =>
  [splits.train, splits.val, splits.test].map((split) => split?.count ?? null);

async function refused(kind: typeof ConfigError | typeof FormatError, message: RegExp): Promise<void> {
  const opened = openDataset(root);
  await expect(opened).rejects.toThrow(kind);
  await expect(opened).rejects.toThrow(message);
}

describe("split folders", () => {
  it.each(["val", "valid", "validation"])("are read, with %s as val", async (val) => {
    await put("train/b/2.jpg", "train/b/10.PNG", "train/a/x.jpeg", "train/B/y.webp", `${val}/a/v.jpg`, "test/b/t.jpg");
    await put("train/.hidden/z.jpg", "train/a/.DS_Store", "train/a/notes.txt", ".git/config", "README.md");
    const dataset = await openDataset(root);
    expect(dataset).toMatchObject({ layout: "split folders", classes: ["B", "a", "b"] });
    expect(ids(dataset.splits.train)).toEqual(["train/B/y.webp", "train/a/x.jpeg", "train/b/10.PNG", "train/b/2.jpg"]);
    expect(Array.from(dataset.splits.train?.labels ?? [])).toEqual([0, 1, 2, 2]);
    expect([ids(dataset.splits.val), ids(dataset.splits.test)]).toEqual([[`${val}/a/v.jpg`], ["test/b/t.jpg"]]);
    expect(Buffer.from((await dataset.splits.test?.read(0)) ?? []).toString()).toBe("test/b/t.jpg");
  });

  it("hold the images of the folders in them, by their paths", async () => {
    const names = ["b.jpg", "x/c.jpg", "x y/d.jpg", "x/z/e.jpg", "a.jpg", ".hidden/f.jpg", "empty/notes.txt"];
    await put(...names.map((name) => `train/cat/${name}`), "train/dog/2024/g.jpg", "val/dog/2025/01/h.jpg");
    const { classes, splits } = await openDataset(root);
    const cats = ["a.jpg", "b.jpg", "x/c.jpg", "x y/d.jpg", "x/z/e.jpg"];
    expect(classes).toEqual(["cat", "dog"]);
    expect(ids(splits.train)).toEqual([...cats.map((name) => `train/cat/${name}`), "train/dog/2024/g.jpg"]);
    expect([ids(splits.val), Array.from(splits.val?.labels ?? [])]).toEqual([["val/dog/2025/01/h.jpg"], [1]]);
    await symlink(join(root, "train/cat"), join(root, "train/cat/x/again"));
    await refused(ConfigError, /more than 16 folders lie in one another. Is there a link that leads back/);
  });

  it("pass over no image that cannot be read", async () => {
    await put("train/a/x.jpg", "train/a/y.BMP", "train/b/z.heic", "train/b/notes.txt");
    expect(ids((await openDataset(root)).splits.train)).toEqual(["train/a/x.jpg", "train/a/y.BMP", "train/b/z.heic"]);
  });

  it("have no val unless a share is asked for, and none in the end where all is trained on", async () => {
    await put(...["a", "b"].flatMap((name) => Array.from({ length: 10 }, (_, i) => `train/${name}/${i}.jpg`)));
    expect(counts(await openDataset(root))).toEqual([20, null, null]);
    expect(counts(await openDataset(root, { valFraction: 0.1 }))).toEqual([18, 2, null]);
    await put("val/a/v.jpg");
    expect(counts(await openDataset(root, { valFraction: 0.1 }))).toEqual([20, 1, null]);
    const final = await openDataset(root, { final: true });
    expect([counts(final), ids(final.splits.train).at(-1)]).toEqual([[21, null, null], "val/a/v.jpg"]);
    await expect(openDataset(root, { valFraction: 1 })).rejects.toThrow(ConfigError);
  });

  it("must not test on a class that train lacks", async () => {
    await put("train/a/x.jpg", "test/zebra/x.jpg");
    await refused(FormatError, /test: the class "zebra" does not occur in train/);
  });

  it("must hold images in every training class, and in every split", async () => {
    await put("train/a/x.jpg", "train/b/x.txt");
    await refused(FormatError, /train.b: the class folder holds no image/);
    await put("train/b/x.jpg", "test/a/notes.txt");
    await refused(FormatError, /test: the class folders hold no images/);
  });

  it("may be links", async () => {
    await put("elsewhere.d/x.jpg", "train/b/y.jpg");
    await symlink(join(root, "elsewhere.d"), join(root, "train/a"), "junction");
    await rm(join(root, "elsewhere.d/none"), { force: true });
    expect((await openDataset(root)).classes).toEqual(["a", "b"]);
  });
});

describe("class folders", () => {
  it("are split by the seed, with every class on both sides", async () => {
    await put(...["cat", "dog"].flatMap((name) => Array.from({ length: 5 }, (_, i) => `${name}/${i}.jpg`)));
    const dataset = await openDataset(root, { seed: 3 });
    expect([dataset.layout, dataset.classes, counts(dataset)]).toEqual(["class folders", ["cat", "dog"], [8, 2, null]]);
    expect(Array.from(dataset.splits.val?.labels ?? [])).toEqual([0, 1]);
    expect(ids((await openDataset(root, { seed: 3 })).splits.val)).toEqual(ids(dataset.splits.val));
    expect(counts(await openDataset(root, { final: true }))).toEqual([10, null, null]);
    expect(counts(await openDataset(root, { valFraction: 0 }))).toEqual([10, null, null]);
  });

  it("that are not there are missed by name", async () => {
    await refused(ConfigError, /the folder is empty; expected one of: train/);
    await put("notes.txt");
    await refused(ConfigError, /found no images in class folders/);
    await put("test/a/x.jpg");
    await rm(join(root, "notes.txt"));
    await refused(ConfigError, /there is test but no train folder/);
    await expect(openDataset(join(root, "nowhere"))).rejects.toThrow(/nowhere: there is no such folder/);
  });

  it("may hold folders; a whole data set in one of them is pointed at", async () => {
    const warnings: string[] = [];
    const onWarning = (text: string) => void warnings.push(text);
    await put("cat/1.jpg", "cat/old/2.jpg", "dog/old/3.jpg");
    const { layout, classes, splits } = await openDataset(root, { valFraction: 0, onWarning });
    expect([layout, classes, warnings]).toEqual(["class folders", ["cat", "dog"], []]);
    expect(ids(splits.train)).toEqual(["cat/1.jpg", "cat/old/2.jpg", "dog/old/3.jpg"]);
    await rm(join(root, "cat/1.jpg"));
    await openDataset(root, { onWarning });
    expect(warnings.join()).toMatch(/^every image lies in a folder inside .* the classes are cat, dog\. /);
    await put("flowers/train/rose/1.jpg");
    await refused(ConfigError, /Perhaps you mean .*flowers\.$/);
  });
});

describe("lists", () => {
  const classes = JSON.stringify({ classes: ["cat", "dog"] });
  beforeEach(async () => {
    await put("images/train/0.jpg", "images/train/1.jpg", "images/train/2.jpg", "images/test/0.jpg");
    await putText("train800.txt", "images/train/1.jpg 1\nimages/train/0.jpg 0\n");
    await putText("val200.txt", "images/train/2.jpg 1\r\n");
    await putText("train800val200.txt", "images/train/0.jpg 0\nimages/train/1.jpg 1\nimages/train/2.jpg 1");
    await putText("test.txt", "images/test/0.jpg 0\n\n");
    await putText("info.json", classes);
  });

  it("are read in their order, and trained on together in the end", async () => {
    const dataset = await openDataset(root);
    expect([dataset.layout, dataset.classes, counts(dataset)]).toEqual(["lists", ["cat", "dog"], [2, 1, 1]]);
    expect(ids(dataset.splits.train)).toEqual(["images/train/1.jpg", "images/train/0.jpg"]);
    const final = await openDataset(root, { final: true });
    expect([counts(final), ids(final.splits.train)[0]]).toEqual([[3, null, 1], "images/train/0.jpg"]);
    await rm(join(root, "train800val200.txt"));
    expect(counts(await openDataset(root, { final: true }))).toEqual([3, null, 1]);
  });

  it("have numbers as names without info.json", async () => {
    await rm(join(root, "info.json"));
    expect((await openDataset(root)).classes).toEqual(["0", "1"]);
  });

  it.each([
    ["images/train/0.jpg", /train800.txt, line 2: expected "PATH LABEL"/],
    ["images/train/0.jpg -1", /line 2: expected "PATH LABEL"/],
    ["images/train/0.jpg cat", /line 2: expected "PATH LABEL"/],
    ["images/train/0.jpg 2", /line 2: the label 2 is not a class; expected 0 to 1/],
    ["images/train/9.jpg 1", /line 2: there is no file "images\/train\/9.jpg"/],
    ["../secret.jpg 1", /line 2: the path "..\/secret.jpg" leads out/],
    ["images/../../secret.jpg 1", /line 2: .* leads out/],
    ["/etc/passwd 1", /line 2: .* leads out/],
    ["C:/x.jpg 1", /line 2: .* leads out/],
    ["..\\x.jpg 1", /line 2: .* leads out/],
  ])("are refused with the line %j", async (line, message) => {
    await putText("train800.txt", `images/train/1.jpg 1\n${line}\n`);
    await refused(FormatError, message);
  });

  it("are refused where they are empty, or the names are damaged", async () => {
    await putText("info.json", "{");
    await refused(FormatError, /info.json: this is not JSON/);
    await putText("info.json", '{"classes": [1]}');
    await refused(FormatError, /info.json: expected "classes"/);
    await putText("info.json", classes);
    await putText("val200.txt", "\n");
    await refused(FormatError, /val200.txt: the list is empty/);
  });
});

describe("parquet", () => {
  // Bytes that are no UTF-8: a reader that takes them for text damages them.
  const bytes = (...list: number[]) => Uint8Array.of(0xff, 0xd8, ...list);
  const rows: [Uint8Array, number][][] = [
    [
      [bytes(1), 1],
      [bytes(2, 200), 0],
    ],
    [[bytes(3, 254, 9), 1]],
  ];
  beforeEach(() => mkdir(join(root, "data")));

  it("is read, shard by shard and group by group, with its class names", async () => {
    await writeFile(join(root, "data/train-00000-of-00002.parquet"), parquetFile(rows, ["cat", "dog"]));
    await writeFile(join(root, "data/train-00001-of-00002.parquet"), parquetFile([[[bytes(4), 0]]], ["cat", "dog"]));
    await writeFile(join(root, "data/validation-00000-of-00001.parquet"), parquetFile(rows.slice(1), ["cat", "dog"]));
    const dataset = await openDataset(root);
    expect([dataset.layout, dataset.classes, counts(dataset)]).toEqual(["parquet", ["cat", "dog"], [4, 1, null]]);
    const train = requireSplit(dataset, "train");
    expect(Array.from(train.labels)).toEqual([1, 0, 1, 0]);
    expect(await Promise.all([0, 1, 2, 3].map(async (i) => Array.from(await train.read(i)).slice(2)))).toEqual([
      [1],
      [2, 200],
      [3, 254, 9],
      [4],
    ]);
    expect(ids(train).at(-1)).toBe("train-00001-of-00002.parquet#0");
    expect(await train.size(2)).toBe(5);
  });

  it("has numbers as names without them, and refuses a label that has none", async () => {
    await writeFile(join(root, "data/train-0.parquet"), parquetFile(rows));
    expect((await openDataset(root)).classes).toEqual(["0", "1"]);
    await writeFile(join(root, "data/train-0.parquet"), parquetFile(rows, ["cat"]));
    await refused(FormatError, /train-0.parquet, row 0: the label 1 is not a class; expected 0 to 0/);
  });

  it.each([2 ** 20, 2 ** 40, 2 ** 52])("that claims %d rows is refused at once", async (claimed) => {
    await writeFile(join(root, "data/train-0.parquet"), parquetFile(rows.slice(0, 1), ["cat", "dog"], claimed));
    const start = performance.now();
    await refused(FormatError, /train-0.parquet/);
    expect(performance.now() - start).toBeLessThan(2000);
  });

  it("that was damaged anywhere is read, or refused by name", async () => {
    const whole = parquetFile(rows, ["cat", "dog"]);
    const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 3 }), fc.integer({ min: 0, max: 20 }), async (changes, cut) => {
        const damaged = Uint8Array.from(whole.subarray(0, whole.length - cut));
        for (const [at, value] of changes) if (at < damaged.length) damaged[at] = value;
        await writeFile(join(root, "data/train-0.parquet"), damaged);
        const read = openDataset(root).then(({ splits }) => splits.train?.read(0));
        await read.catch((error: unknown) => expect(error).toBeInstanceOf(FormatError));
      }),
    );
  });

  it.each([
    ["empty", new Uint8Array(0)],
    ["short", new Uint8Array([80, 65, 82, 49])],
    ["claims a footer of 2 GiB", new Uint8Array([80, 65, 82, 49, 255, 255, 255, 127, 80, 65, 82, 49])],
    ["noise", new Uint8Array(500).map((_, i) => (i * 197 + 31) % 256)],
    ["noise between marks", new Uint8Array([80, 65, 82, 49, ...new Array(60).fill(0x5c), 60, 0, 0, 0, 80, 65, 82, 49])],
  ])("that is damaged is refused by name: %s", async (_, bytes) => {
    await writeFile(join(root, "data/train-0.parquet"), bytes);
    await refused(FormatError, /train-0.parquet: .*Fetch it again/);
  });

  it("without a train file is refused", async () => {
    await put("data/other.parquet");
    await refused(ConfigError, /expected data\/train-\*\.parquet, found data\/other.parquet/);
  });
});

describe("the digest", () => {
  it("depends on names, labels and sizes, and not on the place", async () => {
    await put("train/a/x.jpg", "train/b/y.jpg");
    const first = await digestDataset(await openDataset(root));
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    const copy = await mkdtemp(join(tmpdir(), "sas-petl-copy-"));
    for (const name of ["a/x.jpg", "b/y.jpg"]) {
      await mkdir(dirname(join(copy, "train", name)), { recursive: true });
      await writeFile(join(copy, "train", name), `train/${name}`);
    }
    expect(await digestDataset(await openDataset(copy))).toBe(first);
    await writeFile(join(copy, "train/a/x.jpg"), "longer than before");
    expect(await digestDataset(await openDataset(copy))).not.toBe(first);
    await rm(copy, { recursive: true });
  });
});

const shared = fileURLToPath(new URL("../../../shared/data/", import.meta.url));
describe.skipIf(!existsSync(shared))("the shared data (skipped where ../shared is absent)", () => {
  const decodes = async (examples: Examples | null, index: number): Promise<number> =>
    (await sharp(Buffer.from((await examples?.read(index)) ?? [])).metadata()).width;

  it.each([
    ["vtab-1k/eurosat", [800, 200, 2000], 10, "SeaLake"],
    ["vtab-1k/caltech101", [800, 200, 1000], 102, "yin_yang"],
    ["other/sign-digits", [800, 200, 1000], 10, "9"],
    ["other/dtd10", [400, null, 400], 10, "crystalline"],
  ])("%s", async (name, expected, classes, last) => {
    const dataset = await openDataset(join(shared, name));
    expect([counts(dataset), dataset.classes.length, dataset.classes.at(-1)]).toEqual([expected, classes, last]);
    expect(await decodes(dataset.splits.test, 7)).toBeGreaterThan(20);
  });

  it("a domain of PACS, and tiny-imagenet as parquet", async () => {
    const photo = await openDataset(join(shared, "other/pacs/photo"));
    expect([photo.classes.length, counts(photo)]).toEqual([7, [336, 84, null]]);
    const tiny = await openDataset(join(shared, "tiny-imagenet"));
    expect([tiny.layout, counts(tiny), tiny.classes.length]).toEqual(["parquet", [41000, 2000, null], 200]);
    expect(tiny.classes[0]).toBe("goldfish");
    expect(await decodes(tiny.splits.val, 1999)).toBe(64);
    const train = requireSplit(tiny, "train");
    expect([await decodes(train, 0), await decodes(train, 40_999)]).toEqual([64, 64]);
    expect(() => requireSplit(tiny, "test")).toThrow(/there is no test split; present: train, val/);
  });
});
