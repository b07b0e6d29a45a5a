import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { checkLabels, type Dataset, type Examples } from "../data/dataset.js";
import { parseList } from "../data/vtab-list.js";
import { ConfigError } from "../errors.js";
import { fileExamples } from "./dataset-files.js";

const annotations = "annotations";

/** True for a folder in the layout of CoOp and NOAH: lists of few-shot samples in `annotations`. */
export async function hasShotLists(root: string, names: readonly string[]): Promise<boolean> {
  if (!names.includes(annotations)) return false;
  const inside = await readdir(join(root, annotations)).catch(() => []);
  return inside.some((name) => name.startsWith("train_meta.list"));
}

/**
 * The data set of few-shot lists: `annotations/train_meta.list.num_shot_4.seed_0`, `val_meta.list` and `test_meta.list`
 * with lines `PATH LABEL`, the paths below `images` or below the folder itself.
 * @throws ConfigError where shots are not asked for, or there is no list for them
 * @throws FormatError where a list is damaged
 * @see Zhang et al., Neural Prompt Search (NOAH), 2022, whose released splits have this layout
 */
export async function openShotLists(root: string, shots: number | undefined, seed: number): Promise<Dataset> {
  const folder = join(root, annotations);
  const present = (await readdir(folder)).filter((name) => name.startsWith("train_meta.list.num_shot_")).sort();
  const wanted = `train_meta.list.num_shot_${shots}.seed_${seed}`;
  if (shots === undefined || !present.includes(wanted)) {
    const what =
      shots === undefined ? "say how many with --shots" : `there is none for ${shots} shots and seed ${seed}`;
    throw new ConfigError(
      `${folder}: the training images are lists of shots; ${what}. Present: ${present.join(", ")}.`,
    );
  }
  const read = async (name: string) => {
    const path = join(folder, name);
    const text = await readFile(path, "utf8").catch(() => undefined);
    return text === undefined ? undefined : { path, images: parseList(text, path) };
  };
  const lists = { train: await read(wanted), val: await read("val_meta.list"), test: await read("test_meta.list") };
  const found = Object.values(lists).flatMap((list) => (list ? [list] : []));
  const classes = 1 + found.reduce((most, { images }) => images.labels.reduce((a, b) => Math.max(a, b), most), 0);
  const first = lists.train?.images.paths[0] ?? "";
  const isInImages = (await stat(join(root, "images", first)).catch(() => undefined)) !== undefined;
  const open = (list: (typeof found)[number] | undefined): Examples | null => {
    if (!list) return null;
    const { images, path } = list;
    const labels = checkLabels(images.labels, classes, (index) => `${path}, line ${images.lines[index]}`);
    return fileExamples(root, isInImages ? images.paths.map((name) => `images/${name}`) : images.paths, labels);
  };
  return {
    layout: "lists",
    classes: Array.from({ length: classes }, (_, i) => String(i)),
    splits: { train: open(lists.train), val: open(lists.val), test: open(lists.test) },
  };
}
