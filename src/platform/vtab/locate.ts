import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { byCodePoint, type FileTree, subtree } from "../../data/file-tree.js";
import { labelRules } from "../../data/vtab-labels.js";
import type { VtabTask } from "../../data/vtab-tasks.js";
import { ConfigError, FormatError } from "../../errors.js";
import { openArchive } from "../datasets/archive.js";
import { folderTree } from "../datasets/folder-tree.js";
import { openDataset } from "../datasets.js";
import { explainFailure } from "../files.js";
import { openDsprites, openSmallnorb } from "./arrays.js";
import { type Originals, originalsOf } from "./originals.js";
import { openClevr, openKitti } from "./scenes.js";

/** Other names under which originals are known. */
const otherNames: Readonly<Record<string, readonly string[]>> = {
  cifar: ["cifar-100"],
  caltech101: ["caltech-101"],
  oxford_flowers102: ["flowers102", "oxford-flowers", "oxford_flowers"],
  oxford_iiit_pet: ["oxford-iiit-pet", "pets"],
  sun397: ["sun-397"],
  patch_camelyon: ["pcam"],
  diabetic_retinopathy: ["retinopathy"],
  clevr: ["CLEVR_v1.0"],
  smallnorb: ["small_norb", "norb"],
};

const ending = /\.(zip|tar|tgz|tar\.gz|parquet|npz)$/;

/** Where the originals of a task lie below a folder; `undefined` where there are none of its names. */
export async function locateOriginals(root: string, task: VtabTask): Promise<string | undefined> {
  const entries = await readdir(root).catch((error: unknown) => {
    throw explainFailure(error, root, "read");
  });
  const { name, alias = name, source = name } = task;
  const names = [name, alias, ...(otherNames[name] ?? []), source, ...(otherNames[source] ?? [])];
  for (const wanted of names) {
    const found =
      entries.find((entry) => entry === wanted) ?? entries.find((entry) => entry.replace(ending, "") === wanted);
    if (found !== undefined) return join(root, found);
  }
  return undefined;
}

/** Formats of originals that are not read, and what to give instead. */
const unread: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/\.mat\.gz$/i, "packed .mat.gz files; unpack them with gunzip"],
  [/\.mat$/i, "MATLAB files"],
  [/\.(h5|hdf5)(\.gz)?$/i, "HDF5 files"],
  [/\.tfrecord/i, "TFRecord files"],
  [/\.(pkl|pickle)$|^(data_batch_\d|meta|batches\.meta)$/i, "Python pickles"],
  [/\.bin$/i, "raw .bin files"],
];

/**
 * The originals of a task, by the reader for what lies there.
 * @param path of a folder, archive, parquet file or npz, from `locateOriginals`
 * @throws ConfigError where no reader knows the format; the message says which is missing
 * @throws FormatError where they are damaged, or their classes are not the task's
 */
export async function openOriginals(path: string, task: VtabTask): Promise<Originals> {
  if (path.endsWith(".npz")) return openDsprites(path, task.name);
  const isFolder = !ending.test(path);
  const files = isFolder ? await filesBelow(path) : [];
  const npz = files.find((file) => file.endsWith(".npz"));
  if (npz) return openDsprites(join(path, npz), task.name);
  const matrix = (half: string, kind: string): string | undefined =>
    files.find((file) => file.includes(half) && file.endsWith(`-${kind}.mat`));
  const [dat, info, testDat, testInfo] = [
    matrix("training", "dat"),
    matrix("training", "info"),
    matrix("testing", "dat"),
    matrix("testing", "info"),
  ].map((file) => file && join(path, file));
  if (dat && info && testDat && testInfo) {
    return openSmallnorb({ train: { dat, info }, test: { dat: testDat, info: testInfo } }, task.name);
  }
  const tree = await treeOf(path, isFolder);
  const names = tree ? (await tree.list("")).map(({ name }) => name) : [];
  if (tree && names.includes("scenes") && names.includes("images")) return openClevr(tree, task.name);
  if (tree && task.name === "kitti" && names.includes("training")) return openKitti(tree);
  const rule = labelRules[task.name];
  const parquet = path.endsWith(".parquet") ? [path] : files.filter((file) => file.endsWith(".parquet"));
  const columns = Object.keys(rule?.columns ?? {});
  if (rule && parquet.length > 0 && columns.length > 0) {
    const found = await openColumn(path, parquet, columns, task);
    if (found) return found;
  }
  return openLabelled(path, files, task);
}

/** Originals whose labels are the task's classes: whatever `--data` reads. */
async function openLabelled(path: string, files: readonly string[], task: VtabTask): Promise<Originals> {
  const dataset = await openDataset(path, { valFraction: 0 }).catch((error: unknown) => {
    const known = unread.find(([pattern]) => files.some((file) => pattern.test(file.slice(file.lastIndexOf("/") + 1))));
    if (!known || !(error instanceof ConfigError || error instanceof FormatError)) throw error;
    throw new ConfigError(
      `${path}: there is no reader for ${known[1]}. Give class folders, a list with images, or parquet instead.`,
      { cause: error },
    );
  });
  const { classes, layout } = dataset;
  if (classes.length === task.classes) return originalsOf(dataset, layout, labelRules[task.name]?.classes ?? classes);
  const rule = labelRules[task.name];
  throw new FormatError(
    `${path}: expected ${task.classes} classes${rule ? ` (${rule.text})` : ""}, found ${classes.length}. ` +
      (rule
        ? "There is no reader for what these files say; give the originals, or images with the task's own classes."
        : "Give all of the originals."),
  );
}

/** Parquet with a column from which the task's classes follow; `undefined` where there is none. */
async function openColumn(
  path: string,
  files: readonly string[],
  columns: readonly string[],
  task: VtabTask,
): Promise<Originals | undefined> {
  const [{ openShard }, { openParquet }] = await Promise.all([
    import("../datasets/parquet-shard.js"),
    import("../datasets/parquet.js"),
  ]);
  const isFile = files[0] === path;
  const [root, names] = isFile ? [dirname(path), [path.slice(dirname(path).length + 1)]] : [path, files];
  const first = await openShard(join(root, names[0] ?? ""), [...columns, "label", "cls"]);
  const rule = labelRules[task.name];
  const classOf = rule?.columns[first.label];
  if (!rule || !classOf) return undefined;
  const dataset = await openParquet(root, names, isFile ? "train" : undefined, [first.label]);
  return originalsOf(dataset, `parquet, column ${first.label}`, rule.classes, (label) => {
    // Class names that are numbers need not count from 0.
    const value = Number(dataset.classes[label]);
    return classOf(Number.isFinite(value) ? value : label);
  });
}

async function treeOf(path: string, isFolder: boolean): Promise<FileTree | undefined> {
  if (path.endsWith(".parquet")) return undefined;
  const tree = isFolder ? folderTree(path) : await openArchive(path);
  const [first, ...others] = await tree.list("");
  return first?.isFolder && others.length === 0 ? subtree(tree, first.name) : tree;
}

/** Files below a folder, at most three folders deep, by code point. */
export async function filesBelow(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  const walk = async (below: string, depth: number): Promise<void> => {
    for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
      if (entry.name.startsWith(".")) continue;
      const path = below === "" ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory() && depth < 3) await walk(path, depth + 1);
      else if (!entry.isDirectory()) found.push(path);
    }
  };
  await walk("", 0);
  return found.sort(byCodePoint);
}
