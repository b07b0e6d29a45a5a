import { crc32 } from "node:zlib";
import { type ArchivedFile, archivedPath, archiveTree } from "../../data/archive-tree.js";
import type { FileTree } from "../../data/file-tree.js";
import { FormatError } from "../../errors.js";
import { readZip } from "../../vit/zip.js";
import { openPieces } from "./pieces.js";

/** What no image is: more bytes than this, packed into less than a 200th. */
const [bombBytes, bombRatio] = [2 ** 26, 200];

/**
 * The files of a zip archive, read in place: its directory now, a file when it is asked for.
 * @throws FormatError where the directory is damaged or describes what `readZip` refuses, or a file of more than 64 MiB at
 * over 200 times its packed size; later, where a file's bytes are not those of the directory
 */
export async function openZip(path: string): Promise<FileTree> {
  const files = new Map<string, ArchivedFile>();
  for (const entry of (await readZip(await openPieces(path))).values()) {
    const name = archivedPath(entry.name, path);
    if (name === undefined) continue;
    const refuse = (what: string): never => {
      throw new FormatError(`${path}/${name}: ${what}. Fetch or pack the archive anew.`);
    };
    if (files.has(name)) refuse("the file is there twice");
    const { size, packedSize, crc } = entry;
    if (size > bombBytes && size > bombRatio * packedSize) {
      refuse(`the file claims ${size} bytes packed into ${packedSize}, which no image is`);
    }
    files.set(name, {
      size,
      async read() {
        const bytes = await entry.unpack();
        return crc32(bytes) === crc ? bytes : refuse("its checksum is wrong");
      },
    });
  }
  return archiveTree(path, files);
}
