import { explainImpostor } from "../data/impostor.js";
import { FormatError } from "../errors.js";
import { narrowHalf } from "../graph/half.js";
import { elementCount, type Shape, type Tensor } from "../graph/tensor.js";
import { type LazyTensors, lazyTensor } from "./lazy-tensor.js";
import { type StoredType, storedTypes } from "./stored-types.js";

/** Something with bytes that can be read in pieces: a file, a download, an array in memory. */
export interface ByteSource {
  /** What to call it in messages, usually its path. */
  readonly name: string;
  /** Bytes in all. */
  readonly size: number;
  /** `length` bytes from `offset` on. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** A source over bytes in memory, which are not copied. */
export const bytesSource = (name: string, bytes: Uint8Array): ByteSource => ({
  name,
  size: bytes.length,
  read: async (offset, length) => bytes.subarray(offset, offset + length),
});

/** Where a tensor lies, in bytes behind the header. */
export interface StoredTensor {
  readonly type: StoredType;
  readonly shape: Shape;
  readonly start: number;
  readonly end: number;
}

/** What a safetensors file says of itself before any tensor is read. */
export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Offset of the first tensor's bytes in the file. */
  readonly dataStart: number;
}

/** The bound of the format's own reader. */
const longestHeader = 100_000_000;

/**
 * The checked header of a safetensors file. Nothing larger than the header is read.
 * @throws FormatError where anything in it is not as the format demands
 * @see https://github.com/huggingface/safetensors#format
 */
export async function readSafetensorsHeader(source: ByteSource): Promise<SafetensorsHeader> {
  const fail = (what: string): never => {
    throw new FormatError(
      `${source.name}: ${what}. The file is damaged or no safetensors file; fetch or write it again.`,
    );
  };
  if (source.size < 8) fail(`expected a safetensors header, the file has ${source.size} bytes`);
  const first = await source.read(0, 8);
  const claimed = new DataView(first.buffer, first.byteOffset, 8).getBigUint64(0, true);
  if (claimed > Math.min(longestHeader, source.size - 8)) {
    const impostor = explainImpostor(await source.read(0, Math.min(200, source.size)));
    if (impostor?.remedy) {
      throw new FormatError(`${source.name}: expected safetensors, got ${impostor.what}. ${impostor.remedy}`);
    }
    fail(`the header claims ${claimed} bytes, the file has ${source.size}`);
  }
  const length = Number(claimed);
  const header = parseObject(await source.read(8, length)) ?? fail("the header is not a JSON object");
  const repeated = repeatedKey(header.text);
  if (repeated !== undefined) fail(`the header has ${quote(repeated)} twice`);

  const tensors = new Map<string, StoredTensor>();
  let metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(header.value)) {
    if (name === "__metadata__") {
      if (!isObject(entry) || !Object.values(entry).every((v) => typeof v === "string")) {
        fail("__metadata__ is not a map of texts");
      }
      metadata = entry as Record<string, string>;
    } else {
      const stored = storedTensor(entry);
      tensors.set(name, typeof stored === "string" ? fail(`tensor ${quote(name)} ${stored}`) : stored);
    }
  }
  let position = 0;
  for (const [name, { start, end }] of [...tensors].sort(([, a], [, b]) => a.start - b.start || a.end - b.end)) {
    if (start !== position) fail(`tensor ${quote(name)} begins at byte ${start}, expected ${position}`);
    position = end;
  }
  const dataStart = 8 + length;
  if (position !== source.size - dataStart) {
    fail(`the tensors take ${position} bytes, the file holds ${source.size - dataStart}`);
  }
  return { metadata, tensors, dataStart };
}

/** The contents of a safetensors file. */
export interface Safetensors {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/**
 * The tensors of a safetensors file, read in one go: views over one buffer, except for F16 and BF16, which become
 * float32, and for the rare tensor that is not aligned.
 * @throws FormatError where the file is not as the format demands
 */
export async function readSafetensors(source: ByteSource): Promise<Safetensors> {
  const { metadata, tensors, dataStart } = await readSafetensorsHeader(source);
  const bytes = await source.read(dataStart, source.size - dataStart);
  const read = ([name, { type, shape, start, end }]: [string, StoredTensor]): [string, Tensor] => [
    name,
    storedTypes[type].read(shape, bytes.subarray(start, end)),
  ];
  return { metadata, tensors: new Map([...tensors].map(read)) };
}

/**
 * The tensors of a safetensors file, to be read one by one; only the header is read before.
 * @throws FormatError where the header is not as the format demands
 */
export async function openSafetensors(source: ByteSource): Promise<LazyTensors> {
  const { tensors, dataStart } = await readSafetensorsHeader(source);
  return new Map(
    Array.from(tensors, ([name, { type, shape, start }]) => [
      name,
      lazyTensor(type, shape, (offset, length) => source.read(dataStart + start + offset, length)),
    ]),
  );
}

/**
 * The bytes of a safetensors file, in pieces that are to be written one after the other. Equal contents give equal
 * bytes: large elements first, names in code-unit order, the header padded to eight bytes.
 * @param half true where float32 is stored as F16, rounded to the nearest
 * @see https://github.com/huggingface/safetensors#format
 */
export function safetensorsChunks(
  { metadata, tensors }: Safetensors,
  { half = false }: { readonly half?: boolean } = {},
): readonly Uint8Array[] {
  const stored = ([name, { dtype, shape, data }]: [string, Tensor]) =>
    half && data instanceof Float32Array
      ? ([name, { type: "F16", shape, data: narrowHalf(data) }] as const)
      : ([name, { type: typeNames[dtype], shape, data }] as const);
  const inOrder = [...tensors]
    .map(stored)
    .sort(([a, s], [b, t]) => t.data.BYTES_PER_ELEMENT - s.data.BYTES_PER_ELEMENT || (a < b ? -1 : 1));
  const entries: [string, unknown][] = [];
  if (Object.keys(metadata).length > 0) {
    entries.push(["__metadata__", Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1)))]);
  }
  let position = 0;
  for (const [name, { type, shape, data }] of inOrder) {
    const range = [position, position + data.byteLength];
    entries.push([name, { dtype: type, shape, data_offsets: range }]);
    position += data.byteLength;
  }
  // Not by way of an object, which would move names such as "7" to the front.
  const text = `{${entries.map(([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`).join(",")}}`;
  const json = new TextEncoder().encode(text);
  const header = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - 8), true);
  header.set(json, 8);
  return [header, ...inOrder.map(([, { data }]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength))];
}

/** The bytes of a safetensors file in one array; for small ones. */
export function encodeSafetensors(contents: Safetensors): Uint8Array {
  const chunks = safetensorsChunks(contents);
  const bytes = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0));
  let position = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, position);
    position += chunk.length;
  }
  return bytes;
}

const typeNames = { float32: "F32", float64: "F64", int32: "I32", int64: "I64", uint8: "U8", bool: "BOOL" } as const;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const quote = (name: string): string => JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);

function parseObject(bytes: Uint8Array): { text: string; value: Record<string, unknown> } | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const value: unknown = JSON.parse(text);
    return isObject(value) ? { text, value } : undefined;
  } catch {
    return undefined;
  }
}

/** One entry of the header, or what is wrong with it. */
function storedTensor(entry: unknown): StoredTensor | string {
  if (!isObject(entry)) return "is not described by an object";
  const { dtype, shape, data_offsets: range, ...rest } = entry;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) return `has an unknown key ${quote(unknown)}`;
  if (typeof dtype !== "string" || !Object.hasOwn(storedTypes, dtype)) {
    return `has the type ${quote(String(dtype))}, expected one of ${Object.keys(storedTypes).join(", ")}`;
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) return "has a shape that is no list of counts";
  if (!Array.isArray(range) || range.length !== 2 || !range.every(isCount)) return "has no two data_offsets";
  const [start, end] = range as [number, number];
  const type = dtype as StoredType;
  const size = elementCount(shape) * storedTypes[type].bytes;
  if (!Number.isSafeInteger(size) || size !== end - start) {
    return `of type ${type} and shape [${shape.slice(0, 8)}] takes ${size} bytes, its data_offsets say ${end - start}`;
  }
  return { type, shape, start, end };
}

/** A key that stands twice in one object of valid JSON: JSON.parse would silently keep the last. */
function repeatedKey(json: string): string | undefined {
  const open: Set<string>[] = [];
  for (let i = 0; i < json.length; i++) {
    const character = json[i];
    if (character === "{") open.push(new Set());
    else if (character === "}") open.pop();
    else if (character === '"') {
      const start = i;
      for (i++; json[i] !== '"'; i++) if (json[i] === "\\") i++;
      const text = json.slice(start, i + 1);
      while (/\s/.test(json[i + 1] ?? "")) i++;
      if (json[i + 1] !== ":") continue;
      const key = JSON.parse(text) as string;
      const keys = open.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return undefined;
}
