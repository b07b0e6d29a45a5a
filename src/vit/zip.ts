import { Inflate } from "fflate";
import type { ByteSource } from "./safetensors.js";
import { type Refuse, readZipDirectory, refuseZip, shown, viewOf, type ZipPlace } from "./zip-directory.js";

/** One file inside an archive. */
export interface ZipEntry extends Omit<ZipPlace, "header"> {
  /** A part of an entry that is not compressed, read in place. */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** The first bytes, unpacked, `length` or more of them where there are as many; default: all. */
  unpack(length?: number): Promise<Uint8Array>;
  /** All of it, unpacked, in pieces that follow one another: for what is too large to lie in memory. */
  pieces(): AsyncGenerator<Uint8Array>;
}

/** The files of a zip archive by name, in the order of its directory. @throws FormatError as `readZipDirectory` */
export async function readZip(source: ByteSource): Promise<ReadonlyMap<string, ZipEntry>> {
  const refuse = refuseZip(source.name);
  return new Map((await readZipDirectory(source)).map((place) => [place.name, entryOf(source, place, refuse)]));
}

function entryOf(source: ByteSource, { header, ...facts }: ZipPlace, fail: Refuse): ZipEntry {
  const { name, size, packedSize, isCompressed } = facts;
  let start: Promise<number> | undefined;
  const locate = async (): Promise<number> => {
    const view = viewOf(await source.read(header, 30));
    if (view.getUint32(0, true) !== 0x04034b50) fail(`the entry ${shown(name)} has no header`);
    const at = header + 30 + view.getUint16(26, true) + view.getUint16(28, true);
    return at + packedSize <= source.size ? at : fail(`the entry ${shown(name)} lies outside the file`);
  };
  const from = (): Promise<number> => (start ??= locate());
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    if (isCompressed || offset < 0 || offset + length > size) {
      fail(`the entry ${shown(name)} holds no bytes ${offset} to ${offset + length}`);
    }
    return source.read((await from()) + offset, length);
  };
  const broken = (): never => fail(`the entry ${shown(name)} cannot be unpacked into the ${size} bytes that it claims`);
  return {
    ...facts,
    read,
    async unpack(length = size) {
      const wanted = Math.min(length, size);
      if (!isCompressed) return read(0, wanted);
      const result = new Uint8Array(wanted);
      let made = 0;
      for await (const chunk of inflate(source, await from(), packedSize, broken)) {
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
        for await (const chunk of inflate(source, await from(), packedSize, broken)) {
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
