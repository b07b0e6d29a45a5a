import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { checkLabels, type Dataset, type Examples } from "../data/dataset.js";
import { type ListedImages, parseList } from "../data/vtab-list.js";
import { FormatError } from "../errors.js";
import { fileExamples } from "./dataset-files.js";

const [trainName, valName, bothName, testName] = ["train800.txt", "val200.txt", "train800val200.txt", "test.txt"];

/** The lists that make a folder a data set in the form of VTAB-1k. */
export const listNames: readonly string[] = [trainName, bothName];

/**
 * The data set that lists describe. `train` is train800 and `val` is val200. With `final`, or where there is no train800,
 * `train` is train800val200 and `val` is `null`. Class names come from `classes` in `info.json`; without it they are the numbers up to the largest label.
 * @throws FormatError naming list and line where a line, a label or a file is not as it should be
 */
export async function openLists(root: string, names: readonly string[], final: boolean): Promise<Dataset> {
  const read = async (name: string): Promise<ListedImages | undefined> =>
    names.includes(name) ? parseList(await readFile(join(root, name), "utf8"), join(root, name)) : undefined;
  const together = names.includes(bothName) && (final || !names.includes(trainName));
  const trainList = together ? bothName : trainName;
  const lists = {
    train: { name: trainList, images: await read(trainList) },
    val: { name: valName, images: together ? undefined : await read(valName) },
    test: { name: testName, images: await read(testName) },
  };
  const all = Object.values(lists).flatMap(({ images }) => (images ? [images.labels] : []));
  const largest = all.reduce((max, labels) => labels.reduce((a, b) => Math.max(a, b), max), 0);
  const classes = (await classNames(root, names)) ?? inventNames(root, largest + 1);
  const open = async ({
    name,
    images,
  }: {
    name: string;
    images: ListedImages | undefined;
  }): Promise<Examples | null> => {
    if (!images) return null;
    const where = (index: number): string => `${join(root, name)}, line ${images.lines[index]}`;
    const labels = checkLabels(images.labels, classes.length, where);
    await requireFiles(root, images.paths, where);
    return fileExamples(root, images.paths, labels);
  };
  return {
    layout: "lists",
    classes,
    splits: { train: await open(lists.train), val: await open(lists.val), test: await open(lists.test) },
  };
}

function inventNames(root: string, count: number): readonly string[] {
  if (count > 100_000) {
    throw new FormatError(
      `${root}: the lists' largest label is ${count - 1}; expected below 100000. Correct the lists.`,
    );
  }
  return Array.from({ length: count }, (_, i) => String(i));
}

async function classNames(root: string, names: readonly string[]): Promise<readonly string[] | undefined> {
  if (!names.includes("info.json")) return undefined;
  const path = join(root, "info.json");
  let info: unknown;
  try {
    info = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new FormatError(`${path}: this is not JSON. Correct or remove the file.`, { cause: error });
  }
  const classes = typeof info === "object" && info !== null && "classes" in info ? info.classes : undefined;
  if (classes === undefined) return undefined;
  if (Array.isArray(classes) && classes.length > 0 && classes.every((name) => typeof name === "string")) return classes;
  throw new FormatError(`${path}: expected "classes" to be a list of names, one per class.`);
}

async function requireFiles(root: string, paths: readonly string[], where: (index: number) => string): Promise<void> {
  const together = 256;
  for (let start = 0; start < paths.length; start += together) {
    const found = await Promise.all(
      paths.slice(start, start + together).map((path) => stat(join(root, path)).catch(() => undefined)),
    );
    const missing = found.findIndex((entry) => !entry?.isFile());
    if (missing < 0) continue;
    throw new FormatError(
      `${where(start + missing)}: there is no file ${JSON.stringify(paths[start + missing])}. Restore it, or remove the line.`,
    );
  }
}
