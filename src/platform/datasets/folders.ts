import { type ClassNames, nameFolders, readClassNames } from "../../data/class-names.js";
import type { Dataset, Examples, Split } from "../../data/dataset.js";
import { byCodePoint, type FileTree, subtree } from "../../data/file-tree.js";
import { imageKinds, isImageName } from "../../data/image-header.js";
import { splitWords } from "../../data/labelled-table.js";
import { ConfigError, FormatError } from "../../errors.js";
import { isDataFile } from "./archive.js";
import { fileExamples } from "./file-examples.js";

async function folderNames(tree: FileTree, folder: string): Promise<readonly string[]> {
  return (await tree.list(folder)).filter(({ isFolder }) => isFolder).map(({ name }) => name);
}

/** Folders in folders beyond this are refused: a link that leads back would never end. */
const deepest = 16;

/** The paths of the images in a folder and below it: folder by folder in the order of their paths, as torchvision. */
async function imagesBelow(tree: FileTree, folder: string): Promise<readonly string[]> {
  const found = new Map<string, readonly string[]>();
  const visit = async (place: string, depth: number): Promise<void> => {
    if (depth > deepest) {
      throw new ConfigError(
        `${tree.where(place)}: more than ${deepest} folders lie in one another. Is there a link that leads back? Remove it.`,
      );
    }
    const entries = await tree.list(place);
    const images = entries.filter(({ name, isFolder }) => !isFolder && isImageName(name));
    found.set(
      place,
      images.map(({ name }) => `${place}/${name}`),
    );
    for (const { name, isFolder } of entries) if (isFolder) await visit(`${place}/${name}`, depth + 1);
  };
  await visit(folder, 0);
  return [...found.keys()].sort(byCodePoint).flatMap((place) => found.get(place) ?? []);
}

/** The images of class folders and of the folders in them, class by class. Classes without a folder have none here. */
async function imagesIn(tree: FileTree, split: string, folders: readonly string[]): Promise<Examples> {
  const paths: string[] = [];
  const labels: number[] = [];
  const present = new Set(await folderNames(tree, split));
  const prefix = split === "" ? "" : `${split}/`;
  for (const [label, name] of folders.entries()) {
    if (!present.has(name)) continue;
    for (const path of await imagesBelow(tree, `${prefix}${name}`)) {
      paths.push(path);
      labels.push(label);
    }
  }
  return fileExamples(tree, paths, Int32Array.from(labels));
}

function refuseEmptyClasses(tree: FileTree, folders: readonly string[], { labels }: Examples): void {
  const seen = new Set(labels);
  const empty = folders.filter((_, label) => !seen.has(label));
  if (empty.length === 0) return;
  throw new FormatError(
    `${tree.where(empty[0] ?? "")}: the class folder holds no image (${imageKinds.join(", ")})` +
      `${empty.length > 1 ? `, nor do ${empty.length - 1} others` : ""}. Add images or remove the folder.`,
  );
}

/** What a file says of the classes; `info.json` may speak of anything, so here it does not count. */
const classNamesOf = (tree: FileTree, present: readonly string[]): Promise<ClassNames | undefined> =>
  readClassNames(
    tree,
    present.filter((name) => name !== "info.json"),
  );

/**
 * The data set of a tree with `train/` and perhaps `val/` and `test/`, each with a folder per class. `train` says which
 * classes there are; the others may lack some.
 * @param names what lies in the root
 * @throws FormatError where a class of another split is not in train, or a split holds no images
 */
export async function openSplitFolders(tree: FileTree, names: readonly string[]): Promise<Dataset> {
  const found = await folderNames(tree, "train");
  if (found.length === 0) throw new ConfigError(`${tree.where("train")}: expected one folder per class, found none.`);
  const { folders, names: classes } = nameFolders(found, await classNamesOf(tree, names));
  const splits: Record<Split, Examples | null> = { train: null, val: null, test: null };
  for (const name of names) {
    const split = Object.hasOwn(splitWords, name) ? splitWords[name] : undefined;
    if (!split) continue;
    if (splits[split]) throw new ConfigError(`${tree.where(name)}: there are two folders for ${split}; keep one.`);
    const unknown = (await folderNames(tree, name)).filter((entry) => !folders.includes(entry));
    if (unknown.length > 0) {
      throw new FormatError(
        `${tree.where(name)}: the class ${JSON.stringify(unknown[0])}${unknown.length > 1 ? ` and ${unknown.length - 1} more` : ""} ` +
          "does not occur in train, so it cannot be learned. Rename or remove the folder, or add training images.",
      );
    }
    const examples = await imagesIn(tree, name, folders);
    if (examples.count === 0) throw new FormatError(`${tree.where(name)}: the class folders hold no images.`);
    splits[split] = examples;
  }
  if (splits.train) refuseEmptyClasses(subtree(tree, "train"), folders, splits.train);
  return { layout: "split folders", classes, splits };
}

/**
 * The data set of a tree with a folder per class; all of it is `train`.
 * @param names what lies in the root
 * @param layouts the layouts that would be understood, for the message
 * @param onWarning told where the folders inside may be meant as classes
 * @throws ConfigError where there are no class folders, or a whole data set lies in a folder; FormatError where one holds
 * no images
 */
export async function openClassFolders(
  tree: FileTree,
  names: readonly string[],
  layouts: string,
  onWarning: (text: string) => void = () => {},
): Promise<Dataset> {
  const found = await folderNames(tree, "");
  const whole = await findWhole(tree, found);
  const images = whole === undefined ? await imagesIn(tree, "", found) : undefined;
  if (!images || images.count === 0) {
    const place = whole ?? names.find(isDataFile);
    const hint = place === undefined ? "" : ` Perhaps you mean ${tree.where(place)}.`;
    throw new ConfigError(`${tree.where("")}: found no images in class folders; ${layouts}.${hint}`);
  }
  refuseEmptyClasses(tree, found, images);
  if (Array.from({ length: images.count }, (_, i) => images.id(i)).every((path) => path.split("/").length > 2)) {
    onWarning(
      `every image lies in a folder inside of a class folder; the classes are ${found.slice(0, 5).join(", ")}${found.length > 5 ? ", …" : ""}. If those inside are meant, give the folder they are in`,
    );
  }
  const { folders, names: classes } = nameFolders(found, await classNamesOf(tree, names));
  const train = folders === found ? images : await imagesIn(tree, "", folders);
  return { layout: "class folders", classes, splits: { train, val: null, test: null } };
}

/** The folder that is no class but holds classes or splits: one that is alone, or in which there is a train folder. */
async function findWhole(tree: FileTree, folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const inside = await folderNames(tree, folder);
    if (inside.includes("train") || (folders.length === 1 && inside.length > 0)) return folder;
  }
  return undefined;
}
