import { promisify } from "node:util";
import { crc32, inflateRaw } from "node:zlib";
import { type ArchivedFile, archivedPath, archiveTree, largestArchivedBytes } from "../data/archive-tree.js";
import type { FileTree } from "../data/file-tree.js";
import { readZipDirectory, type ZipEntry } from "../data/zip-directory.js";
import { FormatError } from "../errors.js";
import { openPieces, type PieceReader } from "./read-at.js";

const inflate = promisify(inflateRaw);

/**
 * The files of a zip archive, read in place: its directory now, a file when it is asked for.
 * @throws FormatError where the directory is damaged or describes what `readZipDirectory` refuses; later, where a file's
 * bytes are not those of the directory
 */
export async function openZip(path: string): Promise<FileTree> {
  const pieces = await openPieces(path);
  const files = new Map<string, ArchivedFile>();
  for (const entry of await readZipDirectory(pieces.readAt, pieces.size, path)) {
    const name = archivedPath(entry.name, path);
    if (name === undefined) continue;
    if (files.has(name)) {
      throw new FormatError(`${path}: the entry ${JSON.stringify(name)} is there twice. Pack the files anew.`);
    }
    files.set(name, { size: entry.size, read: () => readEntry(pieces, entry, `${path}/${name}`) });
  }
  return archiveTree(path, files);
}

/** Bytes of a local header without name and extra field, and more than those usually have. */
const [headerBytes, usualExtra] = [30, 512];

async function readEntry(pieces: PieceReader, entry: ZipEntry, where: string): Promise<Uint8Array> {
  const damaged = (why: string, cause?: unknown): never => {
    throw new FormatError(`${where}: ${why}. Fetch or pack the archive anew.`, { cause });
  };
  const guess = headerBytes + usualExtra + entry.packedSize;
  if (guess > largestArchivedBytes) damaged(`the file claims ${entry.packedSize} packed bytes; expected at most 1 GiB`);
  let bytes = await pieces.readAt(entry.offset, guess);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < headerBytes || view.getUint32(0, true) !== 0x04034b50) damaged("its header is damaged");
  const start = headerBytes + view.getUint16(26, true) + view.getUint16(28, true);
  if (start + entry.packedSize > bytes.length) {
    bytes = await pieces.readAt(entry.offset + start, entry.packedSize);
    if (bytes.length < entry.packedSize) damaged("the file is cut off");
  } else bytes = bytes.subarray(start, start + entry.packedSize);
  // One byte more than claimed is enough to know that the claim is wrong.
  const content = entry.isDeflated
    ? await inflate(bytes, { maxOutputLength: entry.size + 1 }).catch((error) =>
        damaged("it cannot be unpacked", error),
      )
    : bytes;
  if (content.length !== entry.size) damaged(`it has not the ${entry.size} bytes that the directory claims`);
  if (crc32(content) !== entry.crc) damaged("its checksum is wrong");
  return content;
}
