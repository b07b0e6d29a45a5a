import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Split, splitNames } from "../../data/dataset.js";
import { type ImageFormat, imageFormat } from "../../data/image-header.js";
import { type VtabList, vtabLists } from "../../data/vtab-check.js";
import { type DrawnSample, trainCount } from "../../data/vtab-division.js";
import { labelRules } from "../../data/vtab-labels.js";
import type { VtabTask } from "../../data/vtab-tasks.js";
import { FormatError } from "../../errors.js";
import { makeFolder, writeAtomically } from "../files.js";
import { digestOf, factsOf } from "./check.js";
import type { Originals } from "./originals.js";

/** What was written. */
export interface WrittenSample {
  readonly facts: { readonly rule: string; readonly images: Readonly<Record<Split, number>> };
  readonly digest: string;
}

interface Line {
  readonly path: string;
  readonly label: number;
  readonly hash: string;
}

const endings: Readonly<Record<ImageFormat, string>> = {
  jpeg: "jpg",
  png: "png",
  webp: "webp",
  gif: "gif",
  tiff: "tif",
  avif: "avif",
};

/**
 * Writes the images of a sample, as they are encoded in the originals, and the four lists. The thousand for training lie once,
 * in `images/train`.
 * @throws FormatError where an original is no image, or has no class of the task
 */
export async function writeSample(
  folder: string,
  task: VtabTask,
  originals: Originals,
  { places }: DrawnSample,
  options: {
    readonly signal?: AbortSignal | undefined;
    readonly onProgress?: ((task: string, done: number, total: number) => void) | undefined;
  },
): Promise<WrittenSample> {
  for (const name of ["train", "test"]) await makeFolder(join(folder, "images", name));
  const images = { train: places.train.length, val: places.val.length, test: places.test.length };
  const total = images.train + images.val + images.test;
  let done = 0;
  const lines: Record<Split, Line[]> = { train: [], val: [], test: [] };
  // The originals are passed through in their own order, whatever the order of the lists: once, wherever they lie.
  for (const from of splitNames) {
    const pool = originals.splits[from];
    const wanted = splitNames
      .flatMap((split) => places[split].map((place, at) => ({ ...place, part: split, at })))
      .filter(({ split }) => split === from)
      .sort((a, b) => a.index - b.index);
    if (!pool || wanted.length === 0) continue;
    let next = 0;
    for await (const bytes of pool.read(wanted.map(({ index }) => index))) {
      options.signal?.throwIfAborted();
      const { part, at, index } = wanted[next++] as (typeof wanted)[number];
      const format = imageFormat(bytes);
      const label = pool.labels[index] ?? -1;
      if (!format || label < 0 || label >= task.classes) {
        throw new FormatError(
          `${task.name}: image ${index} of ${from} ${format ? `has the class ${label}, beyond ${task.classes - 1}` : "is no image that is read"}. Mend the originals.`,
        );
      }
      const name = `${String(part === "val" ? trainCount + at : at).padStart(6, "0")}.${endings[format]}`;
      const path = `images/${part === "test" ? "test" : "train"}/${name}`;
      await writeFile(join(folder, path), bytes);
      lines[part][at] = { path, label, hash: createHash("sha256").update(bytes).digest("hex") };
      options.onProgress?.(task.name, ++done, total);
    }
    if (next < wanted.length) throw new FormatError(`${task.name}: the originals ended after ${next} images.`);
  }
  const parts: Record<VtabList, readonly Line[]> = {
    train800: lines.train,
    val200: lines.val,
    train800val200: [...lines.train, ...lines.val],
    test: lines.test,
  };
  for (const name of vtabLists) {
    await writeAtomically(
      join(folder, `${name}.txt`),
      parts[name].map(({ path, label }) => `${path} ${label}\n`).join(""),
    );
  }
  const found = vtabLists.map((name) => {
    const list = parts[name];
    const content = {
      paths: list.map(({ path }) => path),
      labels: list.map(({ label }) => label),
      hashes: list.map(({ hash }) => hash),
    };
    return [name, content] as const;
  });
  const rule = labelRules[task.name]?.text ?? "those of the originals";
  return { facts: { rule, images }, digest: digestOf(factsOf(Object.fromEntries(found))) };
}
