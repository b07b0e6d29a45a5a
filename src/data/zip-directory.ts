import { FormatError } from "../errors.js";

/** A file in a zip archive, as the directory at its end describes it. */
export interface ZipEntry {
  readonly name: string;
  /** Bytes, unpacked. */
  readonly size: number;
  readonly packedSize: number;
  readonly isDeflated: boolean;
  readonly crc: number;
  /** Where its local header lies. */
  readonly offset: number;
}

/** Gives bytes of a file that certainly exist. */
export type ReadAt = (offset: number, length: number) => Promise<Uint8Array>;

const methods: Readonly<Record<number, string>> = { 9: "deflate64", 12: "bzip2", 14: "LZMA", 93: "zstd", 95: "XZ" };
const unpackedBomb = 2 ** 26;
const packingBomb = 200;

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/**
 * The files of a zip archive, in the order of its directory.
 * @param size length of the archive in bytes
 * @param archive its name, for messages
 * @throws FormatError where it is damaged, encrypted, in several parts, packed in another way than deflate, or a bomb:
 * files that overlap, or more than 64 MiB at over 200 times the packed size
 * @see APPNOTE.TXT of PKWARE, sections 4.3 and 4.5.3 (zip64)
 */
export async function readZipDirectory(read: ReadAt, size: number, archive: string): Promise<readonly ZipEntry[]> {
  const refuse = (what: string): never => {
    throw new FormatError(`${archive}: ${what}. Fetch or pack it anew.`);
  };
  const tail = await read(Math.max(0, size - 65_557), Math.min(size, 65_557));
  const view = viewOf(tail);
  let end = tail.length - 22;
  while (
    end >= 0 &&
    !(view.getUint32(end, true) === 0x06054b50 && view.getUint16(end + 20, true) <= tail.length - end - 22)
  ) {
    end--;
  }
  if (end < 0) return refuse("this zip archive has no directory at its end; it is cut off or damaged");
  let [count, length, start] = [
    view.getUint16(end + 10, true),
    view.getUint32(end + 12, true),
    view.getUint32(end + 16, true),
  ];
  let isSplit = view.getUint16(end + 4, true) !== view.getUint16(end + 6, true);
  if (end >= 20 && view.getUint32(end - 20, true) === 0x07064b50) {
    const at = Number(view.getBigUint64(end - 12, true));
    if (at + 56 > size) return refuse("the zip64 record lies behind the end of the archive");
    const record = viewOf(await read(at, 56));
    if (record.getUint32(0, true) !== 0x06064b50) return refuse("the zip64 record is damaged");
    isSplit = record.getUint32(16, true) !== record.getUint32(20, true);
    [count, length, start] = [32, 40, 48].map((field) => Number(record.getBigUint64(field, true))) as [
      number,
      number,
      number,
    ];
  }
  if (isSplit) return refuse("this is one part of a zip archive in several parts; join the parts first");
  if (start + length > size || count * 46 > length) return refuse("the directory lies behind the end of the archive");
  if (length > 2 ** 30) return refuse(`the directory has ${length} bytes; expected at most 1 GiB`);
  const directory = await read(start, length);
  const entries: ZipEntry[] = [];
  try {
    for (let at = 0, i = 0; i < count; i++) {
      const { entry, next } = readEntry(viewOf(directory), at, refuse);
      if (entry) entries.push(entry);
      at = next;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    refuse("the directory of this zip archive is cut off");
  }
  refuseOverlap(entries, size, refuse);
  return entries;
}

function readEntry(view: DataView, at: number, refuse: (what: string) => never) {
  if (view.getUint32(at, true) !== 0x02014b50) refuse("the directory of this zip archive is damaged");
  const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)];
  const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) => view.getUint16(at + field, true)) as [
    number,
    number,
    number,
  ];
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at + 46, nameLength);
  const name = decodeName(bytes);
  let [packedSize, size, offset] = [20, 24, 42].map((field) => view.getUint32(at + field, true)) as [
    number,
    number,
    number,
  ];
  const extraEnd = at + 46 + nameLength + extraLength;
  for (let field = at + 46 + nameLength; field + 4 <= extraEnd; field += 4 + view.getUint16(field + 2, true)) {
    if (view.getUint16(field, true) !== 1) continue;
    let value = field + 4;
    const long = (short: number): number => {
      if (short !== 0xffff_ffff) return short;
      value += 8;
      return Number(view.getBigUint64(value - 8, true));
    };
    [size, packedSize, offset] = [long(size), long(packedSize), long(offset)];
  }
  const next = extraEnd + commentLength;
  if (name.endsWith("/")) return { entry: undefined, next };
  const shown = JSON.stringify(name.slice(0, 200));
  if (flags & 1) refuse(`the entry ${shown} is encrypted; expected an archive without a password`);
  // Unix stores the kind of file in the upper half of the attributes.
  const isLink = view.getUint8(at + 5) === 3 && view.getUint32(at + 38, true) >>> 28 === 0xa;
  if (isLink) refuse(`the entry ${shown} is a link; pack the files themselves`);
  if (method !== 0 && method !== 8) {
    refuse(
      `the entry ${shown} is packed with ${methods[method] ?? `method ${method}`}; expected deflate or no packing`,
    );
  }
  if (method === 0 && size !== packedSize) refuse(`the entry ${shown} has two lengths`);
  if (size > unpackedBomb && size > packingBomb * packedSize) {
    refuse(`the entry ${shown} claims ${size} bytes packed into ${packedSize}, which no image is`);
  }
  const crc = view.getUint32(at + 16, true);
  return { entry: { name, size, packedSize, isDeflated: method === 8, crc, offset }, next };
}

/** Names are UTF-8 today; what is not was written in some code page of old, of which only the ASCII part is sure. */
function decodeName(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  }
}

/** Overlapping files are how a small archive claims to hold petabytes. */
function refuseOverlap(entries: readonly ZipEntry[], size: number, refuse: (what: string) => never): void {
  let free = 0;
  for (const { name, offset, packedSize } of [...entries].sort((a, b) => a.offset - b.offset)) {
    if (offset < free) refuse(`the entry ${JSON.stringify(name.slice(0, 200))} overlaps another`);
    free = offset + 30 + packedSize;
    if (free > size) refuse(`the entry ${JSON.stringify(name.slice(0, 200))} lies behind the end of the archive`);
  }
}
