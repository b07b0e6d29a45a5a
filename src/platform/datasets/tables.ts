import { readClassNames } from "../../data/class-names.js";
import type { Dataset, Examples, Split } from "../../data/dataset.js";
import { type FileTree, readText } from "../../data/file-tree.js";
import { indexLabels } from "../../data/label-index.js";
import { faultOf, isTableName, type ListedImage, listImages, parseTable, splitOf } from "../../data/labelled-table.js";
import { ConfigError, FormatError } from "../../errors.js";
import { fileExamples } from "./file-examples.js";
import { requireFiles } from "./lists.js";

/** A list of a data set. */
export interface TableFile {
  /** Its path in the tree; the paths in it begin in its folder. */
  readonly path: string;
  /** The split it is for, where its name says so. */
  readonly split: Split | undefined;
}

const loneNames = ["metadata", "labels", "annotations", "images", "data", "dataset", "index"];
const stem = (name: string): string => name.slice(0, name.lastIndexOf(".")).toLowerCase();

/** Lists found in a tree, or what is wrong with what looks like some. */
export interface FoundTables {
  readonly tables: readonly TableFile[];
  readonly fault: string | undefined;
}

/**
 * The CSV and JSONL lists that make a tree a data set: `train.csv` with perhaps `val.csv` and `test.csv`; one list called
 * metadata, labels, annotations, images, data, dataset or index; or `metadata.csv` in `train/` and the folders beside it. What
 * has no columns for path and class is none: other tables may lie beside images.
 * @param names what lies in the root
 * @throws ConfigError where there are two lists for one split
 */
export async function findTables(tree: FileTree, names: readonly string[]): Promise<FoundTables> {
  const lists = names.filter(isTableName);
  const bySplit = lists.map((path) => ({ path, split: splitOf(stem(path)) })).filter(({ split }) => split);
  const lone = lists.filter((path) => loneNames.includes(stem(path))).map((path) => ({ path, split: undefined }));
  const inFolders = await Promise.all(
    names
      .filter((name) => splitOf(name))
      .map(async (folder) => {
        const inside = await tree.list(folder).catch(() => []);
        const list = inside.find(({ name }) => isTableName(name) && stem(name) === "metadata");
        return list ? [{ path: `${folder}/${list.name}`, split: splitOf(folder) }] : [];
      }),
  );
  const hasTrain = (tables: readonly TableFile[]): boolean => tables.some(({ split }) => split === "train");
  let fault: string | undefined;
  for (const tables of [hasTrain(bySplit) ? bySplit : [], lone, inFolders.flat()]) {
    if (tables.length === 0) continue;
    const texts = await Promise.all(tables.map(({ path }) => readText(tree, path)));
    fault ??= texts.map((text, i) => quietFault(text, tree.where(tables[i]?.path ?? ""))).find((found) => found);
    if (fault) continue;
    const twice = tables.find(({ split }, i) => tables.findIndex((other) => other.split === split) !== i);
    if (!twice) return { tables, fault: undefined };
    const shown = tables.map(({ path }) => path).join(", ");
    throw new ConfigError(
      `${tree.where("")}: there are several lists for the same images: ${shown}. Give one by its path.`,
    );
  }
  return { tables: [], fault };
}

function quietFault(text: string, name: string): string | undefined {
  try {
    return faultOf(parseTable(text, name), name);
  } catch (error) {
    if (error instanceof FormatError) return error.message;
    throw error;
  }
}

/**
 * The data set of CSV or JSONL lists. Each list has a column for the image's path, from the list's folder on, and one for its
 * class, a name or a number; of one list a column `split` divides the images, or, where all paths begin with `train/`,
 * `val/` or `test/`, these folders do; else all are `train`.
 * @throws FormatError naming list and line where a line, a label or a file is not as it should be
 */
export async function openTables(
  tree: FileTree,
  tables: readonly TableFile[],
  names: readonly string[],
): Promise<Dataset> {
  const found: { readonly image: ListedImage; readonly where: string; readonly split: Split; readonly path: string }[] =
    [];
  for (const { path: list, split } of tables) {
    const name = tree.where(list);
    const images = listImages(parseTable(await readText(tree, list), name), name);
    const prefix = list.includes("/") ? list.slice(0, list.lastIndexOf("/") + 1) : "";
    const folders = images.map(({ path }) =>
      path.includes("/") ? splitOf(path.slice(0, path.indexOf("/"))) : undefined,
    );
    const areFolders = folders.every((folder) => folder);
    images.forEach((image, i) => {
      const where = `${name}, line ${image.line}`;
      if (split && image.split && image.split !== split) {
        throw new FormatError(
          `${where}: the list is for ${split}, but the line says ${image.split}. Correct one of them.`,
        );
      }
      const own = split ?? image.split ?? (areFolders ? folders[i] : undefined) ?? "train";
      found.push({ image, where, split: own, path: `${prefix}${image.path}` });
    });
  }
  const train = new Set(found.flatMap(({ split, image }) => (split === "train" ? [image.label] : [])));
  if (train.size === 0) throw new ConfigError(`${tree.where("")}: the lists name no training images; add some.`);
  const given = await readClassNames(tree, names);
  const where = (index: number): string => found[index]?.where ?? "";
  const { classes, indexOf } = indexLabels(
    found.map(({ image }) => image.label),
    given,
    where,
  );
  const unseen = found.find(({ image }) => !train.has(image.label));
  if (!given && unseen) {
    throw new FormatError(
      `${unseen.where}: the class ${JSON.stringify(unseen.image.label.slice(0, 80))} does not occur in train, so it cannot ` +
        "be learned. Correct the label, or add training images.",
    );
  }
  await requireFiles(
    tree,
    found.map(({ path }) => path),
    where,
  );
  const open = (split: Split): Examples | null => {
    const own = found.filter((entry) => entry.split === split);
    const labels = Int32Array.from(own, ({ image }) => indexOf(image.label));
    return own.length === 0
      ? null
      : fileExamples(
          tree,
          own.map(({ path }) => path),
          labels,
        );
  };
  return { layout: "table", classes, splits: { train: open("train"), val: open("val"), test: open("test") } };
}
