import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Dataset, Examples, Split } from "../data/dataset.js";
import { ConfigError, FormatError } from "../errors.js";
import { fileExamples } from "./dataset-files.js";

/** Folder names that mean a split. */
export const splitFolderNames: Readonly<Record<string, Split>> = {
  train: "train",
  val: "val",
  valid: "val",
  validation: "val",
  test: "test",
};

const imageName = /\.(jpe?g|png|webp)$/i;

/** By code point, whatever the language: the order of Python's `sorted`, so classes get torchvision's numbers. */
function byCodePoint(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)];
  const at = left.findIndex((letter, i) => letter !== right[i]);
  if (at < 0) return left.length - right.length;
  return (left[at]?.codePointAt(0) ?? -1) - (right[at]?.codePointAt(0) ?? -1);
}

/**
 * The names in a folder that are not hidden, by code point.
 * @throws ConfigError where there is no such folder
 */
export async function visibleNames(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    const why = code === "ENOENT" ? "there is no such folder" : `the folder cannot be read (${code})`;
    throw new ConfigError(`${folder}: ${why}. Give the folder that holds the data set.`, { cause: error });
  });
  return names.filter((name) => !name.startsWith(".")).sort(byCodePoint);
}

async function folderNames(folder: string): Promise<readonly string[]> {
  const names = await visibleNames(folder);
  // `stat` follows links: a class folder may lie elsewhere. A dangling link is no folder.
  const kinds = await Promise.all(names.map((name) => stat(join(folder, name)).catch(() => undefined)));
  return names.filter((_, i) => kinds[i]?.isDirectory());
}

/** The images of class folders, class by class and by name. Classes without a folder have none here. */
async function imagesIn(root: string, prefix: string, classes: readonly string[]): Promise<Examples> {
  const paths: string[] = [];
  const labels: number[] = [];
  const present = await folderNames(join(root, prefix));
  for (const [label, name] of classes.entries()) {
    if (!present.includes(name)) continue;
    const files = await visibleNames(join(root, prefix, name));
    for (const file of files.filter((entry) => imageName.test(entry))) {
      paths.push(`${prefix}${name}/${file}`);
      labels.push(label);
    }
  }
  return fileExamples(root, paths, Int32Array.from(labels));
}

function refuseEmptyClasses(folder: string, classes: readonly string[], { labels }: Examples): void {
  const seen = new Set(labels);
  const empty = classes.filter((_, label) => !seen.has(label));
  if (empty.length === 0) return;
  throw new FormatError(
    `${join(folder, empty[0] ?? "")}: the class folder holds no image (jpg, jpeg, png, webp)` +
      `${empty.length > 1 ? `, nor do ${empty.length - 1} others` : ""}. Add images or remove the folder; ` +
      "if the classes lie one level deeper, give that folder.",
  );
}

/**
 * The data set of a folder with `train/` and perhaps `val/` and `test/`, each with a folder per class. `train` says which
 * classes there are; the others may lack some.
 * @throws FormatError where a class of another split is not in train, or a split holds no images
 */
export async function openSplitFolders(root: string, names: readonly string[]): Promise<Dataset> {
  const classes = await folderNames(join(root, "train"));
  if (classes.length === 0) throw new ConfigError(`${join(root, "train")}: expected one folder per class, found none.`);
  const splits: Record<Split, Examples | null> = { train: null, val: null, test: null };
  for (const name of names.filter((entry) => Object.hasOwn(splitFolderNames, entry))) {
    const split = splitFolderNames[name] as Split;
    if (splits[split]) throw new ConfigError(`${join(root, name)}: there are two folders for ${split}; keep one.`);
    const unknown = (await folderNames(join(root, name))).filter((entry) => !classes.includes(entry));
    if (unknown.length > 0) {
      throw new FormatError(
        `${join(root, name)}: the class ${JSON.stringify(unknown[0])}${unknown.length > 1 ? ` and ${unknown.length - 1} more` : ""} ` +
          "does not occur in train, so it cannot be learned. Rename or remove the folder, or add training images.",
      );
    }
    const examples = await imagesIn(root, `${name}/`, classes);
    if (examples.count === 0) throw new FormatError(`${join(root, name)}: the class folders hold no images.`);
    splits[split] = examples;
  }
  if (splits.train) refuseEmptyClasses(join(root, "train"), classes, splits.train);
  return { layout: "split folders", classes, splits };
}

/**
 * The data set of one folder with a folder per class; all of it is `train`.
 * @param layouts the layouts that would be understood, for the message
 * @throws ConfigError where there are no class folders, FormatError where one holds no images
 */
export async function openClassFolders(root: string, layouts: string): Promise<Dataset> {
  const classes = await folderNames(root);
  const train = await imagesIn(root, "", classes);
  if (train.count === 0) throw new ConfigError(`${root}: found no images in class folders; ${layouts}.`);
  refuseEmptyClasses(root, classes, train);
  return { layout: "class folders", classes, splits: { train, val: null, test: null } };
}
