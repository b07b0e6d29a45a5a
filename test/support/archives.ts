import { crc32, deflateRawSync } from "node:zlib";

/** A file to be packed. */
export interface Packed {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** zip: general purpose flags; bit 0 says that the entry is encrypted. */
  readonly flags?: number;
  /** zip: 0 stored, 8 deflated, others unknown. */
  readonly method?: number;
  /** zip: what the directory claims instead of the real length. */
  readonly claimed?: number;
  /** zip: where the directory says that the entry lies. */
  readonly offset?: number;
  /** zip: attributes; the upper half is the mode of Unix. */
  readonly attributes?: number;
  /** tar: kind of entry, default a file. */
  readonly kind?: string;
  readonly link?: string;
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Little-endian numbers of 2 or 4 bytes each, or 8 for a bigint. */
function fields(...list: readonly (readonly [bytes: 2 | 4 | 8, value: number])[]): Uint8Array {
  const bytes = Buffer.alloc(list.reduce((sum, [width]) => sum + width, 0));
  let at = 0;
  for (const [width, value] of list) {
    if (width === 2) bytes.writeUInt16LE(value, at);
    else if (width === 4) bytes.writeUInt32LE(value, at);
    else bytes.writeBigUInt64LE(BigInt(value), at);
    at += width;
  }
  return bytes;
}

/**
 * A zip archive. @param zip64 all lengths and places as those of archives above 4 GiB
 * @see APPNOTE.TXT of PKWARE, section 4.3
 */
export function zipFile(files: readonly Packed[], { zip64 = false } = {}): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const { name, bytes, flags = 0x800, method = 8, claimed, offset = at, attributes = 0 } of files) {
    const data = method === 8 ? deflateRawSync(bytes) : bytes;
    const size = claimed ?? bytes.length;
    const [crc, nameBytes] = [crc32(bytes), text(name)];
    const local = fields(
      [4, 0x04034b50],
      [2, 45],
      [2, flags],
      [2, method],
      [4, 0],
      [4, crc],
      [4, data.length],
      [4, size],
    );
    const head = Buffer.concat([local, fields([2, nameBytes.length], [2, 7]), nameBytes, Buffer.alloc(7)]);
    const extra = zip64 ? fields([2, 1], [2, 24], [8, size], [8, data.length], [8, offset]) : new Uint8Array(0);
    const [longSize, longData, longOffset] = zip64 ? [0xffffffff, 0xffffffff, 0xffffffff] : [size, data.length, offset];
    directory.push(
      fields(
        [4, 0x02014b50],
        [2, 45 | (3 << 8)],
        [2, 45],
        [2, flags],
        [2, method],
        [4, 0],
        [4, crc],
        [4, longData],
        [4, longSize],
      ),
      fields([2, nameBytes.length], [2, extra.length], [2, 0], [2, 0], [2, 0], [4, attributes], [4, longOffset]),
      nameBytes,
      extra,
    );
    parts.push(head, data);
    at += head.length + data.length;
  }
  const central = Buffer.concat(directory);
  const count = files.length;
  const record = zip64
    ? [
        fields(
          [4, 0x06064b50],
          [8, 44],
          [2, 45],
          [2, 45],
          [4, 0],
          [4, 0],
          [8, count],
          [8, count],
          [8, central.length],
          [8, at],
        ),
        fields([4, 0x07064b50], [4, 0], [8, at + central.length], [4, 1]),
      ]
    : [];
  const [endCount, endLength, endStart] = zip64 ? [0xffff, 0xffffffff, 0xffffffff] : [count, central.length, at];
  const end = fields(
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, endCount],
    [2, endCount],
    [4, endLength],
    [4, endStart],
    [2, 0],
  );
  return Buffer.concat([...parts, central, ...record, end]);
}

/** A tar archive. @see POSIX.1-2017, pax, "ustar Interchange Format" */
export function tarFile(files: readonly Packed[]): Uint8Array {
  const parts = files.flatMap(({ name, bytes, kind = "0", link = "" }) => {
    const header = Buffer.alloc(512);
    header.write(name, 0, 100);
    header.write("0000644\0", 100);
    header.write(`${bytes.length.toString(8).padStart(11, "0")}\0`, 124);
    header.write("        ", 148);
    header.write(kind, 156);
    header.write(link, 157, 100);
    header.write("ustar\x0000", 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return [header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)];
  });
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}
