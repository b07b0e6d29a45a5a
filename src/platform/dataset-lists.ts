import { namesByIndex, readClassNames } from "../data/class-names.js";
import { checkLabels, type Dataset, type Examples, type Split } from "../data/dataset.js";
import { type FileTree, readText } from "../data/file-tree.js";
import { type ListedImages, parseList } from "../data/vtab-list.js";
import { FormatError } from "../errors.js";
import { fileExamples } from "./dataset-files.js";

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
  const together = names.includes(bothName) && (final || !names.includes(trainName));
  const present = (name: string): string | undefined => (names.includes(name) ? name : undefined);
  return openNamedLists(tree, names, {
    train: present(together ? bothName : trainName),
    val: together ? undefined : present(valName),
    test: present(testName),
  });
}

/**
 * The data set of one list for each split.
 * @param below folder that the paths of the lists begin in
 * @throws FormatError naming list and line where a line, a label or a file is not as it should be
 */
export async function openNamedLists(
  tree: FileTree,
  names: readonly string[],
  lists: Readonly<Record<Split, string | undefined>>,
  below = "",
): Promise<Dataset> {
  const read = async (split: Split): Promise<(ListedImages & { readonly name: string }) | undefined> => {
    const name = lists[split];
    return name === undefined ? undefined : { name, ...parseList(await readText(tree, name), tree.where(name)) };
  };
  const [train, val, test] = [await read("train"), await read("val"), await read("test")];
  const all = [train, val, test].flatMap((list) => (list ? [list.labels] : []));
  const largest = all.reduce((max, labels) => labels.reduce((a, b) => Math.max(a, b), max), 0);
  const given = await readClassNames(tree, names);
  const classes = given ? namesByIndex(given) : inventNames(tree.where(""), largest + 1);
  const open = async (list: typeof train): Promise<Examples | null> => {
    if (!list) return null;
    const where = (index: number): string => `${tree.where(list.name)}, line ${list.lines[index]}`;
    const labels = checkLabels(list.labels, classes.length, where);
    const paths = below === "" ? list.paths : list.paths.map((path) => `${below}/${path}`);
    await requireFiles(tree, paths, where);
    return fileExamples(tree, paths, labels);
  };
  return {
    layout: "lists",
    classes,
    splits: { train: await open(train), val: await open(val), test: await open(test) },
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
