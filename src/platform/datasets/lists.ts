import { namesByIndex, readClassNames } from "../../data/class-names.js";
import { checkLabels, type Dataset, type Examples } from "../../data/dataset.js";
import { type FileTree, readText } from "../../data/file-tree.js";
import { type ListedImages, parseList } from "../../data/vtab-list.js";
import { FormatError } from "../../errors.js";
import { fileExamples } from "./file-examples.js";

const [trainName, valName, bothName, testName] = ["train800.txt", "val200.txt", "train800val200.txt", "test.txt"];

/** The lists that make a folder a data set in the form of VTAB-1k. */
export const listNames: readonly string[] = [trainName, bothName];

/**
 * The data set that lists describe. `train` is train800 and `val` is val200. With `final`, or where there is no train800,
 * `train` is train800val200 and `val` is `null`. Class names come from a file (see `readClassNames`), `classes` in
 * `info.json` as a rule; without one they are the numbers up to the largest label.
 * @throws FormatError naming list and line where a line, a label or a file is not as it should be
 */
export async function openLists(tree: FileTree, names: readonly string[], final: boolean): Promise<Dataset> {
  const read = async (name: string): Promise<ListedImages | undefined> =>
    names.includes(name) ? parseList(await readText(tree, name), tree.where(name)) : undefined;
  const together = names.includes(bothName) && (final || !names.includes(trainName));
  const trainList = together ? bothName : trainName;
  const lists = {
    train: { name: trainList, images: await read(trainList) },
    val: { name: valName, images: together ? undefined : await read(valName) },
    test: { name: testName, images: await read(testName) },
  };
  const all = Object.values(lists).flatMap(({ images }) => (images ? [images.labels] : []));
  const largest = all.reduce((max, labels) => labels.reduce((a, b) => Math.max(a, b), max), 0);
  const given = await readClassNames(tree, names);
  const classes = given ? namesByIndex(given) : inventNames(tree.where(""), largest + 1);
  const open = async ({
    name,
    images,
  }: {
    name: string;
    images: ListedImages | undefined;
  }): Promise<Examples | null> => {
    if (!images) return null;
    const where = (index: number): string => `${tree.where(name)}, line ${images.lines[index]}`;
    const labels = checkLabels(images.labels, classes.length, where);
    await requireFiles(tree, images.paths, where);
    return fileExamples(tree, images.paths, labels);
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

/**
 * Nothing where a tree holds all the files that a list names.
 * @param where what a path belongs to, for messages: given its place
 * @throws FormatError naming the first that is missing
 */
export async function requireFiles(
  tree: FileTree,
  paths: readonly string[],
  where: (index: number) => string,
): Promise<void> {
  const together = 256;
  for (let start = 0; start < paths.length; start += together) {
    const found = await Promise.all(paths.slice(start, start + together).map((path) => tree.hasFile(path)));
    const missing = found.indexOf(false);
    if (missing < 0) continue;
    throw new FormatError(
      `${where(start + missing)}: there is no file ${JSON.stringify(paths[start + missing])}. Restore it, or remove the line.`,
    );
  }
}
