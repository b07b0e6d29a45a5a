import { join } from "node:path";
import process from "node:process";
import {
  type AsyncBuffer,
  asyncBufferFromFile,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
} from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { checkLabels, type Dataset, type Examples, joinExamples, type Split } from "../data/dataset.js";
import { ConfigError, FormatError } from "../errors.js";

const splitPrefixes: readonly (readonly [Split, RegExp])[] = [
  ["train", /^(?:data\/)?train[-.]/],
  ["val", /^(?:data\/)?(?:validation|valid|val|dev)[-.]/],
  ["test", /^(?:data\/)?test[-.]/],
];

/** One parquet file: how to read it, and which of its columns are image and label. */
interface Shard {
  readonly path: string;
  readonly file: AsyncBuffer;
  readonly metadata: FileMetaData;
  readonly image: string;
  readonly label: string;
  readonly names: readonly string[] | undefined;
}

/**
 * The data set of parquet files as the Hugging Face hub serves them: `train-*`, `validation-*` and `test-*`, with the
 * columns `image {bytes, path}` and `label`, and the class names under `huggingface` in the file's metadata. Labels are
 * read now. The encoded images of a group of rows are read when the first of them is asked for, and stay in memory.
 * @param names parquet files below the root
 * @throws FormatError where a file is damaged or lacks the columns, ConfigError where there is no train file or the
 * files are larger than half of the free memory
 */
export async function openParquet(root: string, names: readonly string[]): Promise<Dataset> {
  const shards: Record<Split, Shard[]> = { train: [], val: [], test: [] };
  for (const name of [...names].sort()) {
    const split = splitPrefixes.find(([, prefix]) => prefix.test(name))?.[0];
    if (split) shards[split].push(await openShard(join(root, name)));
  }
  const all = Object.values(shards).flat();
  if (shards.train.length === 0)
    throw new ConfigError(`${root}: expected data/train-*.parquet, found ${names.join(", ")}.`);
  const bytes = all.reduce((sum, { file }) => sum + file.byteLength, 0);
  if (bytes > process.availableMemory() / 2) {
    throw new ConfigError(
      `${root}: the parquet files have ${Math.round(bytes / 2 ** 20)} MiB, more than half of the free memory. ` +
        "Unpack them into class folders, or use fewer of them.",
    );
  }
  const labels = new Map<Shard, Int32Array>();
  for (const shard of all) labels.set(shard, await readLabels(shard));
  const classes = all.find(({ names: found }) => found)?.names ?? inventNames(root, [...labels.values()]);
  const joined = (parts: readonly Shard[]): Examples | null =>
    parts.length === 0
      ? null
      : parts.map((shard) => openExamples(shard, labels.get(shard) ?? new Int32Array(0), classes)).reduce(joinExamples);
  return {
    layout: "parquet",
    classes,
    splits: { train: joined(shards.train), val: joined(shards.val), test: joined(shards.test) },
  };
}

async function openShard(path: string): Promise<Shard> {
  const file = await asyncBufferFromFile(path);
  const metadata = await readable(path, () => parquetMetadataAsync(file));
  const text = metadata.key_value_metadata?.find(({ key }) => key === "huggingface")?.value;
  const features = featuresOf(path, text);
  const columns = new Set(metadata.schema.map(({ name }) => name));
  const image = Object.keys(features).find((name) => features[name]?._type === "Image") ?? "image";
  const label =
    "label" in features ? "label" : (Object.keys(features).find((name) => features[name]?.names) ?? "label");
  if (!columns.has(image) || !columns.has("bytes") || !columns.has(label)) {
    throw new FormatError(
      `${path}: expected the columns image {bytes, path} and label, found ${[...columns].slice(1, 20).join(", ")}.`,
    );
  }
  return { path, file, metadata, image, label, names: features[label]?.names };
}

interface Feature {
  readonly _type?: string;
  readonly names?: readonly string[];
}

function featuresOf(path: string, text: string | undefined): Readonly<Record<string, Feature>> {
  if (text === undefined) return {};
  try {
    const parsed = JSON.parse(text) as { info?: { features?: Readonly<Record<string, Feature>> } };
    const features = parsed.info?.features ?? {};
    const named = Object.values(features).every(
      (feature) =>
        feature?.names === undefined ||
        (Array.isArray(feature.names) && feature.names.every((n) => typeof n === "string")),
    );
    if (named) return features;
  } catch {
    // Told below, with everything else that may be wrong with it.
  }
  throw new FormatError(
    `${path}: the metadata under "huggingface" does not describe the columns. Write the file anew.`,
  );
}

/** What the reader gives; whatever it throws at a damaged file becomes an error that names the file. */
async function readable<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new FormatError(`${path}: cannot read this parquet file: ${reason}. Fetch it again.`, { cause: error });
  }
}

const readRows = ({ path, file, metadata }: Shard, column: string, rowStart: number, rowEnd: number) =>
  readable(path, () =>
    parquetReadObjects({ file, metadata, columns: [column], rowStart, rowEnd, utf8: false, compressors }),
  );

async function readLabels(shard: Shard): Promise<Int32Array> {
  const rows = await readRows(shard, shard.label, 0, Number(shard.metadata.num_rows));
  const labels = rows.map((row) => Number(row[shard.label] ?? Number.NaN));
  const wrong = labels.findIndex((label) => !Number.isInteger(label) || Math.abs(label) > 1e9);
  if (wrong >= 0) throw new FormatError(`${shard.path}, row ${wrong}: expected a whole number as label.`);
  return Int32Array.from(labels);
}

function inventNames(root: string, labels: readonly Int32Array[]): readonly string[] {
  const largest = labels.reduce((max, part) => part.reduce((a, b) => Math.max(a, b), max), 0);
  if (largest >= 100_000) throw new FormatError(`${root}: the largest label is ${largest}; expected below 100000.`);
  return Array.from({ length: largest + 1 }, (_, i) => String(i));
}

function openExamples(shard: Shard, labels: Int32Array, classes: readonly string[]): Examples {
  const name = shard.path.split(/[\\/]/).at(-1) ?? "";
  checkLabels(labels, classes.length, (row) => `${shard.path}, row ${row}`);
  let end = 0;
  const ends = shard.metadata.row_groups.map((group) => (end += Number(group.num_rows)));
  const groups = new Map<number, Promise<readonly Record<string, unknown>[]>>();
  const read = async (index: number): Promise<Uint8Array> => {
    const group = ends.findIndex((last) => index < last);
    const start = ends[group - 1] ?? 0;
    const rows = groups.get(group) ?? readRows(shard, shard.image, start, ends[group] ?? start);
    groups.set(group, rows);
    const cell = (await rows)[index - start]?.[shard.image];
    const bytes = typeof cell === "object" && cell !== null && "bytes" in cell ? cell.bytes : undefined;
    if (bytes instanceof Uint8Array) return bytes;
    throw new FormatError(`${shard.path}, row ${index}: the image has no bytes. Embed the images in the file.`);
  };
  return {
    count: labels.length,
    labels,
    id: (index) => `${name}#${index}`,
    read,
    size: async (index) => (await read(index)).byteLength,
  };
}
