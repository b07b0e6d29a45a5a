import { FormatError } from "../errors.js";
import type { ByteSource } from "./safetensors.js";

/** What the directory of a zip archive says of a file in it. */
export interface ZipPlace {
  readonly name: string;
  /** Bytes when unpacked. */
  readonly size: number;
  /** Bytes in the archive. */
  readonly packedSize: number;
  readonly isCompressed: boolean;
  /** CRC-32 of the unpacked bytes, as the archive claims it; some writers leave it out. */
  readonly crc: number;
  /** Offset of its own header. */
  readonly header: number;
}

/** Refuses an archive, and says why. */
export type Refuse = (what: string) => never;

/** How far the end record can lie from the end of the file: itself and the longest comment. */
const longestEnd = 22 + 0xffff;
/** Room for ten million entries. */
const longestDirectory = 2 ** 30;
/** The most that deflate can make of one byte. */
const largestRatio = 1032;
const methods: Readonly<Record<number, string>> = { 9: "deflate64", 12: "bzip2", 14: "LZMA", 93: "zstd", 95: "XZ" };

/** What refuses an archive. @throws FormatError always */
export const refuseZip =
  (archive: string): Refuse =>
  (what) => {
    throw new FormatError(`${archive}: ${what}. Fetch or pack it anew.`);
  };

/**
 * The places of the files of a zip archive, in the order of its directory; nothing but that is read.
 * @throws FormatError where the archive is cut, contradicts itself, is encrypted, in several parts or packed in another way
 * than deflate, or where its files overlap or claim more than deflate can make
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, sections 4.3 and 4.5.3 (zip64)
 */
export async function readZipDirectory(source: ByteSource): Promise<readonly ZipPlace[]> {
  const { size: fileSize } = source;
  const fail: Refuse = refuseZip(source.name);
  const { count, offset, length } = await readEnd(source, fail);
  if (offset + length > fileSize || count * 46 > length) fail("the directory lies outside the file");
  if (length > longestDirectory) fail(`the directory has ${length} bytes; expected at most 1 GiB`);

  const bytes = await source.read(offset, length);
  const places = new Map<string, ZipPlace>();
  for (let at = 0, i = 0; i < count; i++) {
    const next = nextEntry(bytes, at) ?? fail(`entry ${i} of the directory is broken`);
    const place = readPlace(bytes, at, fail);
    // Folders may stand there, or not.
    if (!place.name.endsWith("/")) {
      if (places.has(place.name)) fail(`the entry ${shown(place.name)} is there twice`);
      places.set(place.name, place);
    }
    at = next;
  }
  const found = [...places.values()];
  refuseOverlap(found, fileSize, fail);
  return found;
}

/** Where the directory lies, by the record at the end of the archive. */
async function readEnd(source: ByteSource, fail: Refuse): Promise<{ count: number; length: number; offset: number }> {
  const tail = viewOf(await source.read(Math.max(0, source.size - longestEnd), Math.min(source.size, longestEnd)));
  const end = lastRecord(tail) ?? fail("the end of a zip archive is missing");
  const refuseParts = (part: number, first: number): void => {
    if (part !== first) fail("this is one part of a zip archive in several parts; join the parts first");
  };
  // 64-bit numbers stand in a record of their own, which a locator before the end record points to.
  if (end >= 20 && tail.getUint32(end - 20, true) === 0x07064b50) {
    const at = big(tail, end - 12);
    if (at + 56 > source.size) fail("the zip64 record lies outside the file");
    const record = viewOf(await source.read(at, 56));
    if (record.getUint32(0, true) !== 0x06064b50) fail("the zip64 record is damaged");
    refuseParts(record.getUint32(16, true), record.getUint32(20, true));
    return { count: big(record, 32), length: big(record, 40), offset: big(record, 48) };
  }
  refuseParts(tail.getUint16(end + 4, true), tail.getUint16(end + 6, true));
  return {
    count: tail.getUint16(end + 10, true),
    length: tail.getUint32(end + 12, true),
    offset: tail.getUint32(end + 16, true),
  };
}

/** Where the entry behind this one begins; undefined where this one is none. */
function nextEntry(bytes: Uint8Array, at: number): number | undefined {
  const view = viewOf(bytes);
  if (at + 46 > bytes.length || view.getUint32(at, true) !== 0x02014b50) return undefined;
  const next = at + 46 + [28, 30, 32].reduce((sum, field) => sum + view.getUint16(at + field, true), 0);
  return next > bytes.length ? undefined : next;
}

function readPlace(bytes: Uint8Array, at: number, fail: Refuse): ZipPlace {
  const view = viewOf(bytes);
  const nameEnd = at + 46 + view.getUint16(at + 28, true);
  const name = decodeName(bytes.slice(at + 46, nameEnd));
  const [packedSize, size, header] = sizesOf(view, at, nameEnd, view.getUint16(at + 30, true));
  const place = { name, size, packedSize, header, isCompressed: false, crc: view.getUint32(at + 16, true) };
  if (name.endsWith("/")) return place;
  const entry = `the entry ${shown(name)}`;
  if ((view.getUint16(at + 8, true) & 1) !== 0) fail(`${entry} is encrypted; expected an archive without a password`);
  // Unix stores the kind of file in the upper half of the attributes.
  const isLink = view.getUint8(at + 5) === 3 && view.getUint32(at + 38, true) >>> 28 === 0xa;
  if (isLink) fail(`${entry} is a link; pack the files themselves`);
  const method = view.getUint16(at + 10, true);
  if (method !== 0 && method !== 8) {
    fail(`${entry} is packed with ${methods[method] ?? `method ${method}`}; expected deflate or no packing`);
  }
  if (method === 0 ? size !== packedSize : size > largestRatio * packedSize + 64) {
    fail(`${entry} claims ${size} bytes packed into ${packedSize}`);
  }
  return { ...place, isCompressed: method === 8 };
}

/** Names are UTF-8 today; what is not was written in some code page of old, of which only the ASCII part is sure. */
function decodeName(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  }
}

/** A name as messages show it. */
export const shown = (name: string): string => JSON.stringify(name.slice(0, 80));

/** Overlapping files are how a small archive claims to hold petabytes. */
function refuseOverlap(places: readonly ZipPlace[], fileSize: number, fail: Refuse): void {
  let free = 0;
  for (const { name, header, packedSize } of places.toSorted((a, b) => a.header - b.header)) {
    if (header < free) fail(`the entry ${shown(name)} overlaps another`);
    free = header + 30 + packedSize;
    if (free > fileSize) fail(`the entry ${shown(name)} lies outside the file`);
  }
}

/** The bytes as numbers. */
export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** A 64-bit number; beyond 2⁵³ it is inexact, and outside of every file. */
const big = (view: DataView, at: number): number => Number(view.getBigUint64(at, true));

/** Offset of the last end record whose comment lies in the file. */
function lastRecord(view: DataView): number | undefined {
  for (let at = view.byteLength - 22; at >= 0; at--) {
    const isRecord = view.getUint32(at, true) === 0x06054b50;
    if (isRecord && at + 22 + view.getUint16(at + 20, true) <= view.byteLength) return at;
  }
  return undefined;
}

/** Packed size, size and offset of the header; those that are all ones stand in the zip64 field, in this order. */
function sizesOf(view: DataView, at: number, extra: number, extraLength: number): [number, number, number] {
  const sizes = {
    size: view.getUint32(at + 24, true),
    packed: view.getUint32(at + 20, true),
    header: view.getUint32(at + 42, true),
  };
  for (let i = extra; i + 4 <= extra + extraLength; ) {
    const [id, length] = [view.getUint16(i, true), view.getUint16(i + 2, true)];
    let field = i + 4;
    const last = Math.min(field + length, extra + extraLength);
    if (id === 1) {
      for (const key of ["size", "packed", "header"] as const) {
        if (sizes[key] !== 0xffffffff || field + 8 > last) continue;
        sizes[key] = big(view, field);
        field += 8;
      }
    }
    i += 4 + length;
  }
  return [sizes.packed, sizes.size, sizes.header];
}
