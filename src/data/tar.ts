import { FormatError } from "../errors.js";

/** Bytes that come one after another. */
export interface TarSource {
  /** Bytes gone by. */
  readonly position: number;
  /** The next bytes; fewer only at the end. */
  read(length: number): Promise<Uint8Array>;
  skip(length: number): Promise<void>;
}

/** A file in a tar archive. */
export interface TarEntry {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Where its bytes begin. */
  readonly offset: number;
  /** For a hard link the name of the file that it is too. */
  readonly link: string | undefined;
  /** Its bytes; to be asked for before the next entry. */
  take(): Promise<Uint8Array>;
}

const block = 512;
const longestName = 2 ** 16;
const padded = (size: number): number => Math.ceil(size / block) * block;

/**
 * The files of a tar archive, as they come.
 * @param archive its name, for messages
 * @throws FormatError where it is damaged or cut off, or holds links to elsewhere or files with holes
 * @see POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format"
 */
export async function* tarEntries(source: TarSource, archive: string): AsyncGenerator<TarEntry, void> {
  const refuse = (what: string): never => {
    throw new FormatError(`${archive}: ${what}. Fetch or pack it anew.`);
  };
  const exactly = async (length: number): Promise<Uint8Array> => {
    const bytes = await source.read(length);
    return bytes.length === length ? bytes : refuse("this tar archive is cut off");
  };
  let long: { name?: string; link?: string; size?: number } = {};
  for (;;) {
    const header = await source.read(block);
    // Two empty blocks end an archive; some writers leave them out.
    if (header.length === 0 || header.every((byte) => byte === 0)) return;
    if (header.length < block) refuse("this tar archive is cut off");
    if (!hasChecksum(header)) refuse(`this is no tar archive, or it is damaged at byte ${source.position - block}`);
    const kind = String.fromCharCode(header[156] || 0x30);
    const size = long.size ?? numberAt(header, 124, 12);
    if (!Number.isSafeInteger(size) || size < 0) refuse("an entry of this tar archive has no length");
    if ("LKxg".includes(kind)) {
      if (size > longestName) refuse(`the name of an entry claims ${size} bytes; expected at most 64 KiB`);
      const text = new TextDecoder().decode((await exactly(padded(size))).subarray(0, size));
      if (kind === "L") long = { ...long, name: text.replace(/\0.*$/s, "") };
      if (kind === "K") long = { ...long, link: text.replace(/\0.*$/s, "") };
      if (kind === "x") long = { ...long, ...paxFields(text) };
      continue;
    }
    const isUstar = textAt(header, 257, 5) === "ustar";
    const prefix = isUstar && header[262] === 0 ? textAt(header, 345, 155) : "";
    const short = prefix === "" ? textAt(header, 0, 100) : `${prefix}/${textAt(header, 0, 100)}`;
    const name = long.name ?? short;
    const shown = JSON.stringify(name.slice(0, 200));
    if (kind === "2") refuse(`the entry ${shown} is a link; pack the files themselves, with tar -h`);
    if (kind === "S") refuse(`the entry ${shown} is a file with holes; pack it without --sparse`);
    const link = kind === "1" ? (long.link ?? textAt(header, 157, 100)) : undefined;
    long = {};
    const length = link === undefined ? size : 0;
    const end = source.position + padded(length);
    if ("017".includes(kind) && !name.endsWith("/")) {
      yield { name, size: length, offset: source.position, link, take: () => exactly(length) };
    }
    await source.skip(end - source.position);
    if (source.position < end) refuse("this tar archive is cut off");
  }
}

const textAt = (bytes: Uint8Array, at: number, length: number): string =>
  new TextDecoder().decode(bytes.subarray(at, at + length)).replace(/\0.*$/s, "");

/** Octal digits, or where the first bit is set a big-endian number. */
function numberAt(bytes: Uint8Array, at: number, length: number): number {
  if (((bytes[at] ?? 0) & 0x80) !== 0) {
    return bytes.subarray(at + 1, at + length).reduce((sum, byte) => sum * 256 + byte, (bytes[at] as number) & 0x7f);
  }
  const text = textAt(bytes, at, length).trim();
  return /^[0-7]*$/.test(text) ? Number.parseInt(text || "0", 8) : Number.NaN;
}

function hasChecksum(header: Uint8Array): boolean {
  const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 0x20 : byte), 0);
  return sum === numberAt(header, 148, 8);
}

/** The fields of an extended header, `LENGTH KEY=VALUE` and a line feed each. */
function paxFields(text: string): { name?: string; link?: string; size?: number } {
  const found = Object.fromEntries(Array.from(text.matchAll(/^\d+ (path|linkpath|size)=(.*)$/gm), (m) => [m[1], m[2]]));
  return {
    ...(found.path !== undefined && { name: found.path }),
    ...(found.linkpath !== undefined && { link: found.linkpath }),
    ...(found.size !== undefined && { size: Number(found.size) }),
  };
}
