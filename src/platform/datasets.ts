import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type Dataset, type Examples, joinExamples, requireSplit, selectExamples } from "../data/dataset.js";
import { isDrawn, openDrawn } from "../data/drawn.js";
import { splitStratified } from "../data/sampler.js";
import { takeShots } from "../data/shots.js";
import { ConfigError } from "../errors.js";
import { openClassFolders, openSplitFolders, splitFolderNames, visibleNames } from "./dataset-folders.js";
import { listNames, openLists } from "./dataset-lists.js";
import { hasShotLists, openShotLists } from "./dataset-shots.js";

/** How a data set is divided. */
export interface DatasetOptions {
  /** Train on everything that is not `test`: on train and val together, with val `null`. Default false. */
  readonly final?: boolean;
  /**
   * Share of the training images, drawn with their classes' proportions, that becomes val where there is none. Default
   * 0.2 for one folder of class folders, else 0: then val is `null`.
   */
  readonly valFraction?: number;
  /** Seed of that draw; default 0. */
  readonly seed?: number;
  /** Training images per class, drawn with the seed, see `takeShots`; all where absent. */
  readonly shots?: number;
}

const layouts =
  "expected one of: train/ (and val/, test/) with a folder per class; one folder per class; train800.txt, val200.txt " +
  "and test.txt; data/train-*.parquet";

/**
 * The data set in a folder, or one that is drawn (`drawn:count`, see `openDrawn`). A folder's layout is recognised by
 * what lies there, in this order: lists in the form of VTAB-1k (`train800.txt`, `val200.txt`, `train800val200.txt`,
 * `test.txt`, class names in `info.json`), Hugging Face parquet (`data/train-*.parquet`), split folders (`train/CLASS/…`;
 * `valid` and `validation` also mean val), class folders. Before all of them come lists of few-shot samples
 * (`annotations/train_meta.list.num_shot_4.seed_0`).
 * @throws ConfigError where the folder is missing, empty or has none of these layouts
 * @throws FormatError where a list, a label, a class folder or a parquet file is not as it should be
 */
export async function openDataset(root: string, options: DatasetOptions = {}): Promise<Dataset> {
  const { shots, seed = 0 } = options;
  const isListed = !isDrawn(root) && (await hasShotLists(root, await visibleNames(root)));
  if (isListed) return openShotLists(root, shots, seed);
  const whole = isDrawn(root) ? openDrawn(root) : await openFolder(root, options.final ?? false);
  const dataset = shots === undefined ? whole : takeShots(whole, shots, seed);
  return options.final ? joinTrainVal(dataset) : takeVal(dataset, options);
}

async function openFolder(root: string, final: boolean): Promise<Dataset> {
  const names = await visibleNames(root);
  if (names.length === 0) throw new ConfigError(`${root}: the folder is empty; ${layouts}.`);
  if (names.some((name) => listNames.includes(name))) return openLists(root, names, final);
  const inData = names.includes("data") ? await readdir(join(root, "data")).catch(() => []) : [];
  const parquet = [...names, ...inData.map((name) => `data/${name}`)].filter((name) => name.endsWith(".parquet"));
  // Loaded only when needed: the reader and its decompressors cost start-up time.
  if (parquet.length > 0) return (await import("./dataset-parquet.js")).openParquet(root, parquet);
  if (names.includes("train")) return openSplitFolders(root, names);
  const lone = names.filter((name) => Object.hasOwn(splitFolderNames, name));
  if (lone.length === names.length) {
    throw new ConfigError(`${root}: there is ${lone.join(", ")} but no train folder; ${layouts}.`);
  }
  return openClassFolders(root, layouts);
}

function joinTrainVal(dataset: Dataset): Dataset {
  const { train, val, test } = dataset.splits;
  if (!train || !val) return dataset;
  return { ...dataset, splits: { train: joinExamples(train, val), val: null, test } };
}

function takeVal(dataset: Dataset, { valFraction, seed = 0 }: DatasetOptions): Dataset {
  const fraction = valFraction ?? (dataset.layout === "class folders" ? 0.2 : 0);
  if (!(fraction >= 0 && fraction < 1)) {
    throw new ConfigError(`data: expected a validation share from 0 to below 1, got ${fraction}.`);
  }
  if (fraction === 0 || dataset.splits.val) return dataset;
  const train = requireSplit(dataset, "train");
  const [kept, held] = splitStratified(train.labels, [1 - fraction, fraction], seed);
  const part = (indices: Int32Array | undefined): Examples | null =>
    indices && indices.length > 0 ? selectExamples(train, indices) : null;
  return { ...dataset, splits: { ...dataset.splits, train: part(kept), val: part(held) } };
}
