import { Inflate } from "fflate";
import { FormatError } from "../errors.js";
import type { ByteSource } from "./safetensors.js";

/** One file inside an archive. */
export interface ZipEntry {
  readonly name: string;
  /** Bytes when unpacked. */
  readonly size: number;
  readonly isCompressed: boolean;
  /** A part of an entry that is not compressed, read in place. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** The first bytes, unpacked, `length` or more of them where there are as many; default: all. */
  unpack(length?: number): Promise<Uint8Array>;
  /** All of it, unpacked, in pieces that follow one another: for what is too large to lie in memory. */
  pieces(): AsyncGenerator<Uint8Array>;
}

/** How far the end record can lie from the end of the file: itself and the longest comment. */
const longestEnd = 22 + 0xffff;
/** A directory of a million entries; none of ours has more than some thousands. */
const longestDirectory = 2 ** 26;
/** The most that deflate can make of one byte. */
const largestRatio = 1032;

/**
 * The files of a zip archive by name; nothing but its directory is read.
 * @throws FormatError where the archive is cut, contradicts itself or is encrypted
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
export async function readZip(source: ByteSource): Promise<ReadonlyMap<string, ZipEntry>> {
  const { size: fileSize, name: file } = source;
  const fail = (what: string): never => {
    throw new FormatError(`${file}: ${what}. The archive is damaged or cut off; fetch it again.`);
  };
  const tail = viewOf(await source.read(Math.max(0, fileSize - longestEnd), Math.min(fileSize, longestEnd)));
  const end = lastRecord(tail) ?? fail("the end of a zip archive is missing");
  const start = fileSize - tail.byteLength;
  let [count, length, offset] = [
    tail.getUint16(end + 10, true),
    tail.getUint32(end + 12, true),
    tail.getUint32(end + 16, true),
  ];
  // 64-bit numbers stand in a record of their own, which a locator before the end record points to.
  if (count === 0xffff || length === 0xffffffff || offset === 0xffffffff) {
    const at =
      end >= 20 && tail.getUint32(end - 20, true) === 0x07064b50 ? big(tail, end - 12) : fail("no zip64 record");
    if (at + 56 > start + end) fail("the zip64 record lies outside the file");
    const record = viewOf(await source.read(at, 56));
    if (record.getUint32(0, true) !== 0x06064b50) fail("no zip64 record");
    [count, length, offset] = [big(record, 32), big(record, 40), big(record, 48)];
  }
  if (length > longestDirectory || offset + length > fileSize) fail("the directory lies outside the file");

  const bytes = await source.read(offset, length);
  const directory = viewOf(bytes);
  const entries = new Map<string, ZipEntry>();
  for (let at = 0, i = 0; i < count; i++) {
    if (at + 46 > length || directory.getUint32(at, true) !== 0x02014b50) fail(`entry ${i} of the directory is broken`);
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((o) => directory.getUint16(at + o, true)) as [
      number,
      number,
      number,
    ];
    const next = at + 46 + nameLength + extraLength + commentLength;
    if (next > length) fail(`entry ${i} of the directory is broken`);
    const name = new TextDecoder().decode(bytes.slice(at + 46, at + 46 + nameLength));
    const [packed, size, header] = sizesOf(directory, at, at + 46 + nameLength, extraLength);
    const method = directory.getUint16(at + 10, true);
    const label = JSON.stringify(name.slice(0, 80));
    if ((directory.getUint16(at + 8, true) & 1) !== 0) fail(`${label} is encrypted`);
    if (method !== 0 && method !== 8) fail(`${label} is compressed by method ${method}, expected 0 or 8`);
    if (header + 30 + packed > fileSize) fail(`${label} lies outside the file`);
    if (method === 0 ? size !== packed : size > largestRatio * packed + 64) fail(`${label} claims ${size} bytes`);
    if (entries.has(name)) fail(`${label} is there twice`);
    entries.set(name, entryOf(source, { name, size, packed, header, isCompressed: method === 8 }, fail));
    at = next;
  }
  return entries;
}

interface Place {
  readonly name: string;
  readonly size: number;
  readonly packed: number;
  /** Offset of the entry's own header. */
  readonly header: number;
  readonly isCompressed: boolean;
}

function entryOf(
  source: ByteSource,
  { name, size, packed, header, isCompressed }: Place,
  fail: (what: string) => never,
) {
  let start: Promise<number> | undefined;
  const locate = async (): Promise<number> => {
    const view = viewOf(await source.read(header, 30));
    if (view.getUint32(0, true) !== 0x04034b50) fail(`${JSON.stringify(name.slice(0, 80))} has no header`);
    const at = header + 30 + view.getUint16(26, true) + view.getUint16(28, true);
    return at + packed <= source.size ? at : fail(`${JSON.stringify(name.slice(0, 80))} lies outside the file`);
  };
  const from = (): Promise<number> => (start ??= locate());
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    if (isCompressed || offset < 0 || offset + length > size) {
      fail(`${JSON.stringify(name.slice(0, 80))} holds no bytes ${offset} to ${offset + length}`);
    }
    return source.read((await from()) + offset, length);
  };
  const broken = (): never => fail(`${JSON.stringify(name.slice(0, 80))} cannot be unpacked`);
  return {
    name,
    size,
    isCompressed,
    read,
    async unpack(length = size) {
      const wanted = Math.min(length, size);
      if (!isCompressed) return read(0, wanted);
      const result = new Uint8Array(wanted);
      let made = 0;
      for await (const chunk of inflate(source, await from(), packed, broken)) {
        if (made < wanted) result.set(chunk.subarray(0, wanted - made), made);
        made += chunk.length;
        if (made > size || (made >= wanted && wanted < size)) break;
      }
      return made < wanted || made > size ? broken() : result;
    },
    async *pieces() {
      let made = 0;
      if (!isCompressed) for (; made < size; made += piece) yield read(made, Math.min(piece, size - made));
      else {
        for await (const chunk of inflate(source, await from(), packed, broken)) {
          made += chunk.length;
          if (made > size) broken();
          yield chunk;
        }
        if (made < size) broken();
      }
    },
  };
}

/** Bytes, compressed or not, that are read at a time. */
const piece = 2 ** 18;

/** What deflated bytes hold, piece by piece. @param broken is called where they are no such stream */
async function* inflate(source: ByteSource, start: number, packed: number, broken: () => never) {
  const made: Uint8Array[] = [];
  const stream = new Inflate((chunk) => made.push(chunk));
  for (let at = 0; at < packed; at += piece) {
    const length = Math.min(piece, packed - at);
    const bytes = (await source.read(start + at, length)).slice();
    try {
      stream.push(bytes, at + length === packed);
    } catch (error) {
      // The library's own errors have a number.
      if (error instanceof Error && "code" in error && typeof error.code === "number") broken();
      throw error;
    }
    yield* made.splice(0);
  }
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** A 64-bit number; beyond 2⁵³ it is inexact, and outside of every file. */
const big = (view: DataView, at: number): number => Number(view.getBigUint64(at, true));

/** Offset of the last end record whose comment reaches to the end. */
function lastRecord(view: DataView): number | undefined {
  for (let at = view.byteLength - 22; at >= 0; at--) {
    const isRecord = view.getUint32(at, true) === 0x06054b50;
    if (isRecord && at + 22 + view.getUint16(at + 20, true) === view.byteLength) return at;
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
