import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Dataset, type Examples, joinExamples, requireSplit, selectExamples } from "../data/dataset.js";
import { isDrawn, openDrawn } from "../data/drawn.js";
import { type FileTree, subtree, type TreeEntry } from "../data/file-tree.js";
import { isTableName, splitOf, splitWords } from "../data/labelled-table.js";
import { splitStratified } from "../data/sampler.js";
import { takeShots } from "../data/shots.js";
import { ConfigError } from "../errors.js";
import { openArchive } from "./datasets/archive.js";
import { folderTree } from "./datasets/folder-tree.js";
import { openClassFolders, openSplitFolders } from "./datasets/folders.js";
import { listNames, openLists } from "./datasets/lists.js";
import { hasShotLists, openShotLists } from "./datasets/shots.js";
import { findTables, openTables } from "./datasets/tables.js";
import { holdsSamples, openSamples, type SampleShard } from "./datasets/webdataset.js";

/** How a data set is divided. */
export interface DatasetOptions {
  /** Train on everything that is not `test`: on train and val together, with val `null`. Default false. */
  readonly final?: boolean | undefined;
  /**
   * Share of the training images, drawn with their classes' proportions, that becomes val where there is none. Default
   * 0.2 where nothing divides the images (one folder of class folders, one list), else 0: then val is `null`.
   */
  readonly valFraction?: number | undefined;
  /** Seed of that draw; default 0. */
  readonly seed?: number | undefined;
  /** Told of an option that has no effect, and of a layout that may be meant otherwise. */
  readonly onWarning?: (text: string) => void;
  /** Training images per class, drawn with the seed, see `takeShots`; all where absent. */
  readonly shots?: number | undefined;
}

const layouts =
  "expected one of: train/ (and val/, test/) with a folder per class; one folder per class; a list with the columns " +
  "file_name and label, as train.csv (and val.csv, test.csv), metadata.csv or labels.jsonl; train800.txt, val200.txt and " +
  "test.txt; data/train-*.parquet; train-*.tar with .jpg and .cls files";

/**
 * The data set in a folder or an archive, of a list, or one that is drawn (`drawn:count`, see `openDrawn`).
 *
 * A folder's layout is recognised by what lies there, in this order: lists of few-shot
 * samples (see `openShotLists`), lists in the form of VTAB-1k (`train800.txt`,
 * `val200.txt`, `train800val200.txt`, `test.txt`), lists in CSV or JSONL (see `findTables`), Hugging Face parquet
 * (`data/train-*.parquet`), archives in the form of WebDataset (`train-*.tar`), split folders (`train/CLASS/…`; `valid`,
 * `validation` and `dev` also mean val), class folders. Class names come from a file where there is one (see
 * `readClassNames`), else from folders and labels. An archive (`.zip`, `.tar`, `.tar.gz`, `.tgz`) is read in place and may
 * hold all of these but parquet; folders that hold nothing but the next one are passed through.
 * @throws ConfigError where it is missing, empty or has none of these layouts
 * @throws FormatError where a list, a label, a class folder, an archive or a parquet file is not as it should be
 */
export async function openDataset(root: string, options: DatasetOptions = {}): Promise<Dataset> {
  const { shots, seed = 0 } = options;
  const whole = isDrawn(root) ? openDrawn(root) : await openPlace(root, options);
  // Lists of shots have been read for as many and for the seed.
  const isTaken = shots === undefined || whole.layout === "shot lists";
  const dataset = isTaken ? whole : takeShots(whole, shots, seed);
  return options.final ? joinTrainVal(dataset) : takeVal(dataset, options);
}

async function openPlace(path: string, options: DatasetOptions): Promise<Dataset> {
  const facts = await stat(path).catch(() => undefined);
  if (!facts?.isFile()) return openTree(folderTree(path), options, path);
  const [folder, name] = [dirname(path), basename(path)];
  if (isTableName(name)) {
    const tree = folderTree(folder);
    return openTables(tree, [{ path: name, split: undefined }], namesIn(await tree.list("")));
  }
  if (name.endsWith(".parquet")) return (await import("./datasets/parquet.js")).openParquet(folder, [name], "train");
  const archive = await openArchive(path);
  return openTree(await passThrough(archive), options);
}

const namesIn = (entries: readonly TreeEntry[]): readonly string[] => entries.map(({ name }) => name);

/** The tree below the folders that are alone in theirs, as most archives begin with one; a folder of images stays. */
async function passThrough(tree: FileTree): Promise<FileTree> {
  const [first, ...others] = await tree.list("");
  if (!first?.isFolder || others.length > 0 || splitOf(first.name)) return tree;
  const inside = await tree.list(first.name);
  const isClass = inside.every(({ name, isFolder }) => !isFolder && !isTableName(name) && !listNames.includes(name));
  return isClass ? tree : passThrough(subtree(tree, first.name));
}

/** @param folder where the tree lies on the disk, if it does */
async function openTree(
  tree: FileTree,
  { final = false, shots, seed = 0, onWarning }: DatasetOptions,
  folder?: string,
): Promise<Dataset> {
  const names = namesIn(await tree.list(""));
  if (names.length === 0) throw new ConfigError(`${tree.where("")}: the folder is empty; ${layouts}.`);
  if (await hasShotLists(tree, names)) return openShotLists(tree, names, shots, seed);
  if (names.some((name) => listNames.includes(name))) return openLists(tree, names, final);
  const { tables, fault } = await findTables(tree, names);
  if (tables.length > 0) return openTables(tree, tables, names);
  const inFolders = await Promise.all(["data", "train"].map((name) => filesIn(tree, names, name)));
  const parquet = [...names, ...inFolders.flat()].filter((name) => name.endsWith(".parquet"));
  if (parquet.length > 0) {
    if (folder === undefined) throw new ConfigError(`${tree.where(parquet[0] as string)}: unpack parquet files first.`);
    const beside = await Promise.all(names.filter((name) => splitOf(name)).map((name) => filesIn(tree, names, name)));
    const all = new Set([...parquet, ...beside.flat().filter((name) => name.endsWith(".parquet"))]);
    // Loaded only when needed: the reader and its decompressors cost start-up time.
    return (await import("./datasets/parquet.js")).openParquet(folder, [...all]);
  }
  if (holdsSamples(names)) return openSamples([{ tree, split: "train" }], tree, names);
  const shards = folder === undefined ? [] : await sampleShards(folder, names);
  if (shards.length > 0) return openSamples(shards, tree, names);
  if (names.includes("train")) return openSplitFolders(tree, names);
  const lone = names.filter((name) => Object.hasOwn(splitWords, name));
  if (lone.length === names.length) {
    throw new ConfigError(`${tree.where("")}: there is ${lone.join(", ")} but no train folder; ${layouts}.`);
  }
  const expected = fault ? `${layouts}. Of the lists there: ${fault.replace(/\.$/, "")}` : layouts;
  return openClassFolders(tree, names, expected, onWarning);
}

async function filesIn(tree: FileTree, names: readonly string[], folder: string): Promise<readonly string[]> {
  const entries = names.includes(folder) ? await tree.list(folder).catch(() => []) : [];
  return entries.filter(({ isFolder }) => !isFolder).map(({ name }) => `${folder}/${name}`);
}

/** The archives of samples in a folder: `train-000000.tar`, `val-…` and so on. */
async function sampleShards(folder: string, names: readonly string[]): Promise<readonly SampleShard[]> {
  const found = names.flatMap((name) => {
    const split = splitOf(/^([a-z]+)[-_.].*\.(tar|tar\.gz|tgz)$/i.exec(name)?.[1] ?? "");
    return split ? [{ name, split }] : [];
  });
  return Promise.all(found.map(async ({ name, split }) => ({ split, tree: await openArchive(join(folder, name)) })));
}

function joinTrainVal(dataset: Dataset): Dataset {
  const { train, val, test } = dataset.splits;
  if (!train || !val) return dataset;
  return { ...dataset, splits: { train: joinExamples(train, val), val: null, test } };
}

/** True where nobody has said which images are to be learned from, and which to be held back. */
const isUndivided = ({ layout, splits }: Dataset): boolean =>
  ["class folders", "table", "webdataset"].includes(layout) && !splits.val && !splits.test;

function takeVal(dataset: Dataset, { valFraction, seed = 0, onWarning = () => {} }: DatasetOptions): Dataset {
  const fraction = valFraction ?? (isUndivided(dataset) ? 0.2 : 0);
  if (!(fraction >= 0 && fraction < 1)) {
    throw new ConfigError(`data: expected a validation share from 0 to below 1, got ${fraction}.`);
  }
  if (valFraction !== undefined && dataset.splits.val) {
    onWarning(
      "the data has validation images of its own, so a share of the training images (valFraction) has no effect",
    );
  }
  if (fraction === 0 || dataset.splits.val) return dataset;
  const train = requireSplit(dataset, "train");
  const [kept, held] = splitStratified(train.labels, [1 - fraction, fraction], seed);
  const part = (indices: Int32Array | undefined): Examples | null =>
    indices && indices.length > 0 ? selectExamples(train, indices) : null;
  return { ...dataset, splits: { ...dataset.splits, train: part(kept), val: part(held) } };
}
