import { basename, join } from "node:path";
import { namesByIndex, readClassNames } from "../../data/class-names.js";
import { checkLabels, type Dataset, type Examples, joinExamples, type Split } from "../../data/dataset.js";
import { indexLabels } from "../../data/label-index.js";
import { splitOf } from "../../data/labelled-table.js";
import { ConfigError, FormatError } from "../../errors.js";
import { folderTree } from "./folder-tree.js";
import { GroupCache } from "./parquet-cache.js";
import { openShard, readImages, readLabels, type Shard } from "./parquet-shard.js";

/** The split a file is for: `train-00000-of-00004.parquet`, `data/train.parquet`, `train/0000.parquet`. */
const splitOfFile = (name: string): Split | undefined =>
  splitOf(/([a-z]+)[^/]*$/i.exec(name)?.[1] ?? "") ?? splitOf(/([a-z]+)\/[^/]*$/i.exec(name)?.[1] ?? "");

/**
 * The data set of parquet files as the Hugging Face hub serves them: `train-*`, `validation-*` and `test-*`, or folders of
 * these names, with an image column `{bytes, path}` or of bytes and a class column of indices or names, and the class names
 * under `huggingface` in the file's metadata, or in a file beside (see `readClassNames`).
 *
 * What is read, and kept: now the footers and the class columns. Then for an image its group of rows; groups stay in memory up
 * to a quarter of what is free, and the one not used for longest goes first. So passing through in order reads every byte
 * once, whatever the size. Where not all fits, an image out of order costs its page, if the file has an index of pages,
 * and else its group.
 * @param names parquet files below the root
 * @param only the split that all files are for; default: as they are named
 * @param columns whose first that is there holds the classes (see `openShard`)
 * @throws FormatError where a file is damaged, missing or lacks the columns, ConfigError where there is no train file
 */
export async function openParquet(
  root: string,
  names: readonly string[],
  only?: Split,
  columns?: readonly string[],
): Promise<Dataset> {
  const shards: Record<Split, Shard[]> = { train: [], val: [], test: [] };
  if (!only) refuseGaps(root, names);
  for (const name of [...names].sort()) {
    const split = only ?? splitOfFile(name);
    if (split) shards[split].push(await openShard(join(root, name), columns));
  }
  const all = Object.values(shards).flat();
  if (shards.train.length === 0)
    throw new ConfigError(`${root}: expected data/train-*.parquet, found ${names.join(", ")}.`);
  const words: string[] = [];
  const places: string[] = [];
  const counts: number[] = [];
  for (const shard of all) {
    const found = await readLabels(shard);
    counts.push(found.length);
    for (const [row, word] of found.entries()) {
      words.push(word);
      places.push(`${shard.path}, row ${row}`);
    }
  }
  const { classes, labels } = await classesOf(root, all, words, (index) => places[index] ?? "");
  const cache = new GroupCache();
  const examples = new Map<Shard, Examples>();
  let start = 0;
  for (const [i, shard] of all.entries()) {
    const end = start + (counts[i] as number);
    examples.set(shard, openExamples(shard, labels.subarray(start, end), cache));
    start = end;
  }
  const joined = (parts: readonly Shard[]): Examples | null =>
    parts.length === 0 ? null : parts.map((shard) => examples.get(shard) as Examples).reduce(joinExamples);
  return {
    layout: "parquet",
    classes,
    splits: { train: joined(shards.train), val: joined(shards.val), test: joined(shards.test) },
  };
}

/** The hub numbers the parts of a split; one that is missing would go unnoticed. */
function refuseGaps(root: string, names: readonly string[]): void {
  for (const name of names) {
    const [, head = "", width = "", total = "", tail = ""] = /^(.*-)(\d+)-of-(\d+)(.*)$/.exec(name) ?? [];
    const count = Math.min(Number(total), 100_000);
    for (let i = 0; i < count; i++) {
      const wanted = `${head}${String(i).padStart(width.length, "0")}-of-${total}${tail}`;
      if (names.includes(wanted)) continue;
      throw new FormatError(`${join(root, wanted)}: the file is missing, one of ${total}. Fetch it too.`);
    }
  }
}

async function classesOf(
  root: string,
  shards: readonly Shard[],
  words: readonly string[],
  where: (index: number) => string,
): Promise<{ readonly classes: readonly string[]; readonly labels: Int32Array }> {
  const named = shards.find(({ names }) => names);
  if (named?.names) {
    const other = shards.find(({ names }) => names && JSON.stringify(names) !== JSON.stringify(named.names));
    if (other) {
      throw new FormatError(`${other.path}: its class names are not those of ${named.path}. Fetch both anew.`);
    }
    const labels = Int32Array.from(words, (word) => (/^-?\d{1,9}$/.test(word) ? Number(word) : -1));
    return { classes: named.names, labels: checkLabels(labels, named.names.length, where) };
  }
  const tree = folderTree(root);
  const given = await readClassNames(
    tree,
    (await tree.list("")).map(({ name }) => name),
  );
  const { classes, indexOf } = indexLabels(words, given && { ...given, names: namesByIndex(given) }, where);
  return { classes, labels: Int32Array.from(words, indexOf) };
}

function openExamples(shard: Shard, labels: Int32Array, cache: GroupCache): Examples {
  const name = basename(shard.path);
  const sizes = new Map<number, number>();
  const read = async (index: number): Promise<Uint8Array> => {
    const bytes = await readImages(shard, cache, index);
    sizes.set(index, bytes.byteLength);
    return bytes;
  };
  return {
    count: labels.length,
    labels,
    id: (index) => `${name}#${index}`,
    read,
    size: async (index) => sizes.get(index) ?? (await read(index)).byteLength,
  };
}
