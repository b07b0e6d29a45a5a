import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp, { type Sharp } from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dataLines } from "../../src/cli/data-report.js";
import type { Finding } from "../../src/data/findings.js";
import { stream } from "../../src/data/random.js";
import { inspect } from "../../src/platform/inspect.js";
import { type DataInspection, inspectData } from "../../src/platform/inspect-data.js";
import { zipFile } from "../support/archives.js";

/** A picture of soft waves, another for each seed. */
function picture(seed: number, width = 64, height = 48): Sharp {
  const random = stream(seed, "picture");
  const [a, b, p, q] = [random.uniform(), random.uniform(), random.uniform(), random.uniform()];
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [x, y] = [(Math.floor(i / 3) % width) / width, Math.floor(i / (3 * width)) / height];
    return (
      128 +
      60 * Math.sin(12 * a * x + 6 * p) * Math.cos(12 * b * y + 6 * q) +
      50 * Math.sin(5 * x * y + 3 * p + (i % 3))
    );
  });
  return sharp(data, { raw: { width, height, channels: 3 } });
}

let root: string;
let found: DataInspection;
const finding = (kind: Finding["kind"]): readonly Finding[] => found.findings.filter((entry) => entry.kind === kind);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sas-petl-inspect-"));
  const png = (seed: number) => picture(seed).png().toBuffer();
  const files: Record<string, Uint8Array> = {
    "train/cat/again.png": await png(1),
    "train/cat/cut.jpg": (await picture(30).jpeg().toBuffer()).subarray(0, 300),
    "train/cat/long.png": await picture(31, 160, 40).png().toBuffer(),
    "train/cat/soft.jpg": await picture(2).jpeg({ quality: 70 }).toBuffer(),
    "train/cat/stored.webp": await picture(3).webp({ lossless: true }).toBuffer(),
    "train/cat/text.png": new TextEncoder().encode("not an image"),
    "train/cat/tiny.gif": await picture(32, 20, 20).gif().toBuffer(),
    "train/dog/both.png": await png(4),
    "test/cat/leaked.png": await png(5),
    "test/cat/near.jpg": await picture(6).jpeg({ quality: 70 }).toBuffer(),
    "test/dog/new.png": await png(7),
  };
  for (let i = 1; i <= 6; i++) files[`train/cat/${i}.png`] = await png(i);
  for (const [name, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(root, "set", name)), { recursive: true });
    await writeFile(join(root, "set", name), bytes);
  }
  await writeFile(join(root, "set.zip"), zipFile(Object.entries(files).map(([name, bytes]) => ({ name, bytes }))));
  found = await inspectData(join(root, "set"));
});
afterAll(() => rm(root, { recursive: true }));

describe("inspecting a data set", () => {
  it("counts images, classes, sizes and formats", () => {
    expect(found).toMatchObject({
      kind: "data",
      layout: "split folders",
      classes: ["cat", "dog"],
      images: { train: 14, val: null, test: 3 },
    });
    expect(found.splits.train).toMatchObject({
      images: 14,
      classes: [13, 1],
      width: { least: 20, median: 64, most: 160 },
    });
    expect(found.splits.train?.formats).toEqual({ png: 9, jpeg: 1, webp: 1, gif: 1 });
    expect(found.splits.test?.classes).toEqual([2, 1]);
  });

  it("names files that cannot be read, and why", () => {
    const [broken] = finding("unreadable");
    expect([broken?.count, broken?.groups.flat().join("\n")]).toEqual([
      2,
      expect.stringMatching(/cut.jpg: .*\n.*text.png: .*not those of/),
    ]);
    expect(broken?.advice).toContain("--skip-unreadable");
  });

  it("finds the same image twice, in other clothes, under another label, and in train and test", () => {
    expect(finding("duplicate")).toMatchObject([
      {
        // What has two labels is a conflict, and named there alone.
        count: 2,
        groups: [
          ["train/cat/1.png", "train/cat/again.png"],
          ["train/cat/3.png", "train/cat/stored.webp"],
        ],
      },
    ]);
    expect(finding("duplicate")[0]?.text).toContain("1 of them stored in another way");
    expect(finding("conflict")).toMatchObject([
      { count: 2, groups: [["train/cat/4.png (cat)", "train/dog/both.png (dog)"]] },
    ]);
    expect(finding("leak")).toMatchObject([{ count: 1, groups: [["train/cat/5.png", "test/cat/leaked.png"]] }]);
    expect(finding("leak")[0]?.text).toBe("1 test image is also in train.");
  });

  it("finds what is almost the same, within a split and across", () => {
    expect(finding("near-duplicate")).toMatchObject([
      { count: 1, groups: [["train/cat/2.png", "train/cat/soft.jpg"]] },
    ]);
    expect(finding("near-leak")).toMatchObject([{ count: 1, groups: [["train/cat/6.png", "test/cat/near.jpg"]] }]);
  });

  it("finds imbalance, tiny images and odd shapes, and says which option helps", () => {
    expect(finding("imbalance")).toMatchObject([
      { count: 1, advice: expect.stringContaining("--class-weights balanced") },
    ]);
    expect(finding("imbalance")[0]?.text).toContain("13.0 times");
    expect(finding("tiny")).toMatchObject([{ groups: [["train/cat/tiny.gif (20 x 20)"]] }]);
    expect(finding("stretched")).toMatchObject([
      { groups: [["train/cat/long.png (160 x 40)"]], advice: expect.stringContaining("center-crop") },
    ]);
  });

  it("finds the same in an archive, tells how far it is, and can be stopped", async () => {
    const steps: number[] = [];
    const archive = await inspectData(join(root, "set.zip"), { onProgress: (done, total) => steps.push(done / total) });
    const plain = ({ findings, digest }: DataInspection) => [findings.map(({ kind, count }) => [kind, count]), digest];
    expect(plain(archive)).toEqual(plain(found));
    expect([steps.length, steps.at(-1)]).toEqual([17, 1]);
    await expect(inspectData(join(root, "set"), { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow(
      "enough",
    );
  });

  it("finds classes without images, and labels that count from 1", async () => {
    await writeFile(join(root, "set/labels.csv"), "path,label\ntrain/cat/1.png,1\ntrain/cat/2.png,2\n");
    const { findings } = await inspectData(join(root, "set/labels.csv"));
    expect(findings).toMatchObject([{ kind: "empty-class", count: 1, advice: expect.stringContaining("subtract 1") }]);
  });

  it("finds classes that the test images say nothing about", async () => {
    const rows = ["train/cat/1.png,cat,train", "train/dog/both.png,dog,train", "test/cat/near.jpg,cat,test"];
    await writeFile(join(root, "set/halves.csv"), ["path,label,split", ...rows].join("\n"));
    const { findings } = await inspectData(join(root, "set/halves.csv"));
    expect(findings).toMatchObject([{ kind: "unscored-class", count: 1, groups: [["dog"]] }]);
    expect(findings[0]?.text).toBe("1 class has no test image.");
  });

  it("says that one class is nothing to tell apart, and that a folder is not there", async () => {
    await mkdir(join(root, "alone/cat"), { recursive: true });
    await writeFile(join(root, "alone/cat/1.png"), await picture(1).png().toBuffer());
    const alone = await inspectData(join(root, "alone"));
    expect(alone.findings).toMatchObject([{ kind: "one-class", advice: expect.stringContaining("two or more") }]);
    expect([...dataLines(alone)]).toContain("class folders, 1 class");
    await expect(inspect("flovers")).rejects.toThrow("flovers: there is no such file or folder");
    await expect(inspect("vit_tiny_patch16_244")).rejects.toThrow("vit_tiny_patch16_224");
  });

  it("finds nothing wrong with what is drawn", async () => {
    const { findings, splits } = await inspectData("drawn:count:train=12:val=0:test=6:size=32");
    expect([findings, splits.train?.classes]).toEqual([[], [2, 2, 2, 2, 2, 2]]);
  });

  it("is printed in 80 columns", () => {
    const lines = [...dataLines({ ...found, name: "set" })];
    expect(lines.filter((line) => line.length > 80 && !line.includes("train/cat/") && !line.includes(root))).toEqual(
      [],
    );
    expect(lines).toContain("cat       13     2");
    expect(lines).toContain("  leak: 1 test image is also in train.");
    const many = { ...found, classes: Array.from({ length: 200 }, (_, i) => `class ${i}`) };
    expect([...dataLines(many)].length).toBeLessThan(lines.length + 15);
    expect([...dataLines(many)]).toContain("… 190 classes between");
  });
});

const shared = fileURLToPath(new URL("../../../shared/data/", import.meta.url));
describe.skipIf(!existsSync(shared))("on real data (skipped where ../shared is absent)", () => {
  it("finds pictures of DTD that are in train and test", async () => {
    const { findings } = await inspectData(join(shared, "other/dtd10"));
    const leak = findings.find(({ kind }) => kind === "near-leak");
    expect(leak?.groups).toContainEqual(["train/chequered/chequered_0103.jpg", "test/chequered/chequered_0178.jpg"]);
    expect(findings.map(({ kind }) => kind)).toEqual(["near-leak", "near-duplicate"]);
  });
});
