import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Dataset, Examples } from "../../../src/data/dataset.js";
import { ConfigError, FormatError } from "../../../src/errors.js";
import { openDataset } from "../../../src/platform/datasets.js";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "sas-petl-tables-"));
  for (const name of ["a.jpg", "b.jpg", "c.jpg", "train/1.png", "train/2.png", "test/1.png"]) await put(name, name);
});
afterEach(() => rm(root, { recursive: true }));

async function put(name: string, text: string | Uint8Array): Promise<string> {
  await mkdir(dirname(join(root, name)), { recursive: true });
  await writeFile(join(root, name), text);
  return join(root, name);
}
const ids = (examples: Examples | null): string[] | null =>
  examples && Array.from({ length: examples.count }, (_, i) => examples.id(i));
/** Names with labels, split by split. */
const shown = ({ splits }: Dataset): string[] =>
  Object.entries(splits).map(
    ([name, examples]) =>
      `${name} ${
        ids(examples)
          ?.map((id, i) => `${id}=${examples?.labels[i]}`)
          .join(" ") ?? "none"
      }`,
  );
const all = { valFraction: 0 };

async function refused(
  message: RegExp,
  path = root,
  kind: typeof ConfigError | typeof FormatError = FormatError,
): Promise<void> {
  const opened = openDataset(path, all);
  await expect(opened).rejects.toThrow(message);
  await expect(opened).rejects.toThrow(kind);
}

describe("a list", () => {
  it.each([
    ["labels.csv", "path,label\na.jpg,dog\nb.jpg,cat\n"],
    ["labels.csv", "\ufeffimage;class\r\n./a.jpg;dog\r\nb.jpg;cat\r\n"],
    ["data.tsv", "id\tfile_name\ttarget\n1\ta.jpg\tdog\n2\tb.jpg\tcat"],
    ["metadata.csv", 'note,"file_name","Label"\n"a ""good"", one\nin two lines",a.jpg,"dog"\n,"b.jpg",cat\n\n'],
    ["metadata.jsonl", '{"file_name":"a.jpg","label":"dog","box":[1,2]}\n\n{"label":"cat","file_name":"b.jpg"}\r\n'],
  ])("%s is read: %j", async (name, text) => {
    const path = await put(name, text);
    for (const place of [root, path]) {
      const dataset = await openDataset(place, all);
      expect([dataset.layout, dataset.classes]).toEqual(["table", ["cat", "dog"]]);
      expect(shown(dataset)).toEqual(["train a.jpg=1 b.jpg=0", "val none", "test none"]);
    }
  });

  it("is divided by its column, by lists of each split, or by the folders in its paths", async () => {
    const expected = ["train train/1.png=0 train/2.png=1", "val none", "test test/1.png=1"];
    const list = await put(
      "list.csv",
      "path,label,split\ntrain/1.png,x,Train\ntest/1.png,y,test\ntrain/2.png,y,train\n",
    );
    expect(shown(await openDataset(list))).toEqual(expected);
    await put("train.csv", "path,label\ntrain/1.png,x\ntrain/2.png,y\n");
    await put("test.jsonl", '{"path":"test/1.png","label":"y"}');
    expect(shown(await openDataset(root))).toEqual(expected);
    for (const name of ["train.csv", "test.jsonl"]) await rm(join(root, name));
    await put("metadata.csv", "file_name,label\ntrain/1.png,x\ntrain/2.png,y\ntest/1.png,y\n");
    expect(shown(await openDataset(root))).toEqual(expected);
  });

  it("may lie in each folder of a split, as the hub has it", async () => {
    await put("train/metadata.csv", "file_name,label\n1.png,x\n2.png,y\n");
    await put("test/metadata.jsonl", '{"file_name":"1.png","label":"y"}');
    expect(shown(await openDataset(root))).toEqual([
      "train train/1.png=0 train/2.png=1",
      "val none",
      "test test/1.png=1",
    ]);
  });

  it("gives a fifth for validation where nothing divides it", async () => {
    const names = Array.from({ length: 20 }, (_, i) => `${i}.jpg`);
    for (const name of names) await put(`many/${name}`, name);
    await put("many/labels.csv", `path,label\n${names.map((name, i) => `${name},${i % 2}`).join("\n")}`);
    const { splits, classes } = await openDataset(join(root, "many"));
    expect([splits.train?.count, splits.val?.count, classes]).toEqual([16, 4, ["0", "1"]]);
  });

  it.each([
    ["classes.txt", "cat\ndog\ncow\n", "0", "2", ["cat", "dog", "cow"], [0, 2]],
    ["classes.txt", "cat\r\ndog", "dog", "cat", ["cat", "dog"], [1, 0]],
    ["class_names.json", '["cat", "dog"]', "1", "0", ["cat", "dog"], [1, 0]],
    ["class_names.json", '{"1": "dog", "0": "cat"}', "1", "0", ["cat", "dog"], [1, 0]],
    ["class_names.json", '{"n01": "dog", "n02": "cat"}', "n02", "n01", ["dog", "cat"], [1, 0]],
    ["info.json", '{"classes": ["cat", "dog"]}', "cat", "dog", ["cat", "dog"], [0, 1]],
  ] as const)("takes its class names from %s: %j", async (name, text, first, second, classes, labels) => {
    await put(name, text);
    await put("labels.csv", `path,label\na.jpg,${first}\nb.jpg,${second}\n`);
    const dataset = await openDataset(root, all);
    expect([dataset.classes, Array.from(dataset.splits.train?.labels ?? [])]).toEqual([classes, labels]);
  });

  it.each([
    ["path,label\na.jpg\n", /labels.csv, line 2: expected 2 fields as in the header, got 1/],
    ['path,label\n"a.jpg,x\n', /line 2: a quoted field has no closing quote/],
    ['path,label\n"a.jpg"x,y\n', /line 2: there is text behind a closing quote/],
    ["path,label\n", /the list names no images/],
    ["", /the list is empty/],
    [
      "name,kind\na.jpg,x\n",
      /expected a column for the image's path .* and one for its class .*, found "name", "kind"/,
    ],
    ["path,label\na.jpg,\n", /line 2: the column label is empty/],
    [
      'path,label\na.jpg,[unknown]\nb.jpg,"[1, 3]"\n',
      /line 3: expected one class, got \[1, 3\]\. An image has one class/,
    ],
    ["path,label,Label\na.jpg,x,y\n", /two columns are called "label"/],
    ["path,label\n../a.jpg,x\n", /line 2: the path "..\/a.jpg" leads out/],
    ["path,label\n/a.jpg,x\n", /leads out/],
    ["path,label\nnone.jpg,x\n", /line 2: there is no file "none.jpg"/],
    ["path,label,split\na.jpg,x,tran\n", /line 2: "tran" is no split. Did you mean train\?/],
    ["path,label\na.jpg,2024000\nb.jpg,1\n", /line 2: the label 2024000 is not the number of a class/],
    ["path,label,split\na.jpg,x,train\nb.jpg,y,test\n", /line 3: the class "y" does not occur in train/],
  ])("is refused by line: %j", async (text, message) => {
    await refused(message, await put("labels.csv", text));
  });

  it("is refused where it is no text, no JSON, names unknown classes, or contradicts its name", async () => {
    await refused(/the text is not UTF-8/, await put("labels.csv", Uint8Array.of(0xff, 0xfe, 65, 0)));
    await refused(/line 1: expected one JSON object per line/, await put("labels.jsonl", "[1]"));
    await put("classes.txt", "cat\ndog\n");
    await refused(
      /line 2: the label "dogs" is not a class; Did you mean dog\?/,
      await put("x.csv", "path,label\na.jpg,dogs\n"),
    );
    await refused(/line 2: the label 2 is not a class; expected 0 to 1/, await put("x.csv", "path,label\na.jpg,2\n"));
    await put("classes.txt", "cat\ncat\n");
    await refused(/names the class "cat" twice/, await put("x.csv", "path,label\na.jpg,cat\n"));
    await rm(join(root, "classes.txt"));
    for (const name of ["labels.csv", "labels.jsonl"]) await rm(join(root, name));
    await put("train.csv", "path,label,split\na.jpg,x,test\n");
    await refused(/line 2: the list is for train, but the line says test/);
  });

  it("beside images in folders counts only where it names images and classes", async () => {
    for (const name of ["cat", "dog"]) await put(`set/${name}/1.jpg`, name);
    await put("set/labels.csv", "id,words\n1,cat\n");
    expect((await openDataset(join(root, "set"))).layout).toBe("class folders");
    await put("labels.csv", "id,words\n1,cat\n");
    await refused(/there is train|expected one folder per class/, root, ConfigError);
    for (const name of ["train", "test", "set"]) await rm(join(root, name), { recursive: true });
    await refused(/Of the lists there: .*labels.csv: expected a column for the image's path/, root, ConfigError);
    await put("metadata.csv", "path,label\na.jpg,x\n");
    await put("labels.csv", "path,label\na.jpg,x\n");
    await refused(
      /there are several lists for the same images: labels.csv, metadata.csv. Give one by its path/,
      root,
      ConfigError,
    );
  });
});

describe("the names of class folders", () => {
  it.each([
    ["classes.txt", "dog\ncat\n", ["cat", "dog"], ["dog", "cat"], ["dog/1.jpg", "cat/1.jpg"]],
    ["class_names.json", '{"n02": "cat", "n01": "dog"}', ["n01", "n02"], ["dog", "cat"], ["n01/1.jpg", "n02/1.jpg"]],
    ["classes.txt", "zero\none", ["1", "0"], ["zero", "one"], ["0/1.jpg", "1/1.jpg"]],
    ["info.json", '{"classes": ["anything"]}', ["cat", "dog"], ["cat", "dog"], ["cat/1.jpg", "dog/1.jpg"]],
  ] as const)("may come from %s: %j", async (name, text, folders, classes, paths) => {
    for (const folder of folders) await put(`set/${folder}/1.jpg`, folder);
    await put(`set/${name}`, text);
    const dataset = await openDataset(join(root, "set"), all);
    expect([dataset.classes, ids(dataset.splits.train)]).toEqual([classes, paths]);
  });

  it("are refused where they are those of others", async () => {
    for (const folder of ["cat", "dog"]) await put(`set/${folder}/1.jpg`, folder);
    await put("set/classes.txt", "cat\ncow\n");
    await refused(
      /classes.txt: the 2 classes there are not those of the 2 folders \("dog" is missing\)/,
      join(root, "set"),
    );
  });
});
