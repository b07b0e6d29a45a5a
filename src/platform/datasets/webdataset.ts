import { readClassNames } from "../../data/class-names.js";
import { type Dataset, type Examples, joinExamples, type Split } from "../../data/dataset.js";
import type { FileTree } from "../../data/file-tree.js";
import { isImageName } from "../../data/image-header.js";
import { indexLabels } from "../../data/label-index.js";
import { ConfigError, FormatError } from "../../errors.js";
import { fileExamples } from "./file-examples.js";

/** An archive of samples, and the split it is for. */
export interface SampleShard {
  readonly tree: FileTree;
  readonly split: Split;
}

/** True where a root holds samples in the form of WebDataset: labels as files with the ending `.cls`. */
export const holdsSamples = (names: readonly string[]): boolean => names.some((name) => name.endsWith(".cls"));

/** The name that the files of a sample share: up to the first dot. */
const keyOf = (name: string): string => name.slice(0, name.indexOf("."));

/**
 * The data set of archives in the form of WebDataset: files that share their name up to the first dot are a sample, as
 * `000.jpg` and `000.cls`, whose text is the class, a number or a name.
 * @param root where `names` lie; a file of class names may be among them
 * @throws FormatError where an image has no class, or the class is not one
 * @see the WebDataset format, "The WebDataset Format" of its documentation
 */
export async function openSamples(
  shards: readonly SampleShard[],
  root: FileTree,
  names: readonly string[],
): Promise<Dataset> {
  const read = await Promise.all(
    shards.map(async ({ tree, split }) => ({ tree, split, ...(await readSamples(tree)) })),
  );
  const labels = read.flatMap(({ words }) => words);
  const places = read.flatMap(({ tree, images }) => images.map((image) => tree.where(image)));
  const { classes, indexOf } = indexLabels(labels, await readClassNames(root, names), (index) => places[index] ?? "");
  const splits: Record<Split, Examples | null> = { train: null, val: null, test: null };
  for (const { tree, split, images, words } of read) {
    const examples = fileExamples(tree, images, Int32Array.from(words, indexOf));
    // Shards count from 000000 on their own, so their names belong to the names of the images.
    const own: Examples = { ...examples, id: (index) => `${nameOf(tree)}/${images[index]}` };
    const before = splits[split];
    splits[split] = before ? joinExamples(before, own) : own;
  }
  if (!splits.train) throw new ConfigError(`${root.where("")}: expected archives train-*.tar, found none.`);
  return { layout: "webdataset", classes, splits };
}

const nameOf = (tree: FileTree): string => tree.where("").split(/[\\/]/).at(-1) ?? "";

async function readSamples(
  tree: FileTree,
): Promise<{ readonly images: readonly string[]; readonly words: readonly string[] }> {
  const files = (await tree.list("")).filter(({ isFolder }) => !isFolder).map(({ name }) => name);
  const labels = new Map(files.filter((name) => name.endsWith(".cls")).map((name) => [keyOf(name), name]));
  const images = files.filter(isImageName);
  if (images.length === 0) throw new FormatError(`${tree.where("")}: the archive holds no images. Remove it.`);
  const twice = images.find((name, i) => i > 0 && keyOf(images[i - 1] as string) === keyOf(name));
  if (twice) throw new FormatError(`${tree.where(twice)}: the sample has two images; expected one. Pack it anew.`);
  const words: string[] = [];
  for (const image of images) {
    const label = labels.get(keyOf(image));
    if (!label) throw new FormatError(`${tree.where(image)}: there is no ${keyOf(image)}.cls with its class. Add it.`);
    words.push(new TextDecoder().decode((await tree.read(label)).subarray(0, 1000)).trim());
  }
  return { images, words };
}
