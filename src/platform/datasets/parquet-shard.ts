import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { explainImpostor } from "../../data/impostor.js";
import { FormatError } from "../../errors.js";
import type { Group, GroupCache } from "./parquet-cache.js";
import { openPieces } from "./pieces.js";

/** One parquet file: how to read it, and which of its columns are image and class. */
export interface Shard {
  readonly path: string;
  readonly file: AsyncBuffer;
  readonly metadata: FileMetaData;
  /** Names from the top of the schema to the images' bytes. */
  readonly image: readonly string[];
  readonly label: string;
  readonly names: readonly string[] | undefined;
  /** First row behind each group of rows. */
  readonly ends: readonly number[];
  /** Bytes of the image column in each group, unpacked. */
  readonly bytes: readonly number[];
  /** The row that was asked for last. */
  last: number;
}

const imageNames = ["image", "img", "picture", "photo", "jpg", "png", "bytes"];
const labelNames = ["label", "labels", "class", "target", "fine_label", "category", "cls"];
/** Rows that walkers side by side may be apart while they pass through in order. */
const walkedAhead = 16;

/**
 * A parquet file, of which the footer is read.
 * @param columns whose first that is there holds the classes; default: as it is declared, or under a usual name
 * @throws FormatError where it is damaged or lacks the columns
 */
export async function openShard(path: string, columns?: readonly string[]): Promise<Shard> {
  const pieces = await openPieces(path);
  const impostor = explainImpostor(await pieces.read(0, Math.min(200, pieces.size)));
  if (impostor)
    throw new FormatError(`${path}: this is ${impostor.what}. ${impostor.remedy ?? "Fetch the file again."}`);
  const file: AsyncBuffer = {
    byteLength: pieces.size,
    async slice(start, end = pieces.size) {
      const bytes = await pieces.read(start, end - start);
      return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    },
  };
  const metadata = await readable(path, () => parquetMetadataAsync(file));
  const features = featuresOf(path, metadata.key_value_metadata?.find(({ key }) => key === "huggingface")?.value);
  const image = await readable(path, async () => imageColumn(metadata, features));
  const present = metadata.schema.map(({ name }) => name);
  const declared = Object.keys(features).find((name) => features[name]?.names);
  const label = (columns ?? ["label" in features ? "label" : declared, ...labelNames]).find(
    (name) => name && present.includes(name),
  );
  if (!image || !label) {
    throw new FormatError(
      `${path}: expected the columns image {bytes, path} and ${columns?.join(" or ") ?? "label"}, found ${present.slice(1, 20).join(", ")}.`,
    );
  }
  let end = 0;
  const ends = metadata.row_groups.map((group) => (end += Number(group.num_rows)));
  const bytes = metadata.row_groups.map(({ columns: chunks }) => {
    const chunk = chunks.find(({ meta_data }) => meta_data?.path_in_schema.join(".") === image.join("."));
    return Math.max(0, Number(chunk?.meta_data?.total_uncompressed_size ?? 0));
  });
  return { path, file, metadata, image, label, names: features[label]?.names, ends, bytes, last: -1 };
}

interface Feature {
  readonly _type?: string;
  readonly names?: readonly string[];
}

/** The first column of encoded images: declared, of the form `{bytes}`, or bytes under a usual name. */
function imageColumn(
  metadata: FileMetaData,
  features: Readonly<Record<string, Feature>>,
): readonly string[] | undefined {
  const isDeclared = (name: string): boolean => features[name]?._type === "Image";
  const tops = [...parquetSchema(metadata).children].sort(
    (a, b) => Number(isDeclared(b.element.name)) - Number(isDeclared(a.element.name)),
  );
  type Node = (typeof tops)[number];
  const isBytes = ({ element, children }: Node): boolean => children.length === 0 && element.type === "BYTE_ARRAY";
  const within = (node: Node): readonly string[] | undefined => {
    const { name, repetition_type } = node.element;
    if (repetition_type === "REPEATED") return undefined;
    if (isBytes(node)) return imageNames.includes(name) || isDeclared(name) ? [name] : undefined;
    const inner = node.children.map(within).find((path) => path);
    return inner && [name, ...inner];
  };
  return tops.map(within).find((path) => path);
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

const readRows = (
  { path, file, metadata }: Shard,
  column: string,
  rowStart: number,
  rowEnd: number,
  useOffsetIndex = false,
) =>
  readable(path, () =>
    parquetReadObjects({
      file,
      metadata,
      columns: [column],
      rowStart,
      rowEnd,
      utf8: false,
      compressors,
      useOffsetIndex,
    }),
  );

/** The class of every row as text: an index or a name. @throws FormatError where a row has none */
export async function readLabels(shard: Shard): Promise<readonly string[]> {
  const words: string[] = [];
  let start = 0;
  for (const end of shard.ends) {
    for (const row of await readRows(shard, shard.label, start, end)) {
      const value: unknown = row[shard.label];
      const word = value instanceof Uint8Array ? new TextDecoder().decode(value) : String(value ?? "");
      const isKnown = word !== "" && (typeof value !== "number" || Number.isInteger(value));
      if (!isKnown) throw new FormatError(`${shard.path}, row ${words.length}: expected a class, an index or a name.`);
      words.push(word);
    }
    start = end;
  }
  if (words.length === Number(shard.metadata.num_rows)) return words;
  throw new FormatError(`${shard.path}: cannot read this parquet file: it has not the rows it claims. Fetch it again.`);
}

/** The encoded image of a row, with its group or alone (see `openParquet`). @throws FormatError where it has none */
export async function readImages(shard: Shard, cache: GroupCache, index: number): Promise<Uint8Array> {
  const { path, ends, image, metadata } = shard;
  const group = ends.findIndex((last) => index < last);
  const start = ends[group - 1] ?? 0;
  const key = `${path}#${group}`;
  const size = shard.bytes[group] ?? 0;
  const isNext = Math.abs(index - shard.last) <= walkedAhead;
  shard.last = index;
  const chunk = metadata.row_groups[group]?.columns.find(
    (c) => c.meta_data?.path_in_schema.join(".") === image.join("."),
  );
  const [top = ""] = image;
  const isAlone = chunk?.offset_index_offset !== undefined && !isNext && !cache.has(key) && !cache.fits(size);
  const bytes = isAlone
    ? cellOf((await readRows(shard, top, index, index + 1, true))[0], image)
    : (
        await cache.get(key, size, async () => {
          const rows = await readRows(shard, top, start, ends[group] ?? start);
          return rows.map((row) => cellOf(row, image)) satisfies Group;
        })
      )[index - start];
  if (bytes) return bytes;
  throw new FormatError(`${path}, row ${index}: the image has no bytes. Embed the images in the file.`);
}

function cellOf(row: Record<string, unknown> | undefined, path: readonly string[]): Uint8Array | undefined {
  let value: unknown = row;
  for (const name of path)
    value = typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  return value instanceof Uint8Array ? value : undefined;
}
