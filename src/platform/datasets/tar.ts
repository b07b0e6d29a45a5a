import { createReadStream } from "node:fs";
import process from "node:process";
import { createGunzip } from "node:zlib";
import { type ArchivedFile, archivedPath, archiveTree, largestArchivedBytes } from "../../data/archive-tree.js";
import type { FileTree } from "../../data/file-tree.js";
import { isImageName } from "../../data/image-header.js";
import { type TarSource, tarEntries } from "../../data/tar.js";
import { ConfigError, FormatError } from "../../errors.js";
import type { ByteSource } from "../../vit/safetensors.js";
import { openPieces } from "./pieces.js";

/** Bytes that are read at once while an archive is looked through. */
const stretch = 2 ** 16;

/**
 * The files of a tar archive, read in place: all headers now, a file when it is asked for. Of several entries with one
 * name the last counts, as where archives are appended to.
 * @throws FormatError where the archive is damaged or holds what `tarEntries` refuses
 */
export async function openTar(path: string): Promise<FileTree> {
  const pieces = await openPieces(path);
  return gather(path, pieceSource(pieces), async ({ offset, size }, where) => ({
    size,
    async read() {
      const bytes = await pieces.read(offset, size);
      if (bytes.length === size) return bytes;
      throw new FormatError(`${where}: the tar archive is cut off. Fetch or pack it anew.`);
    },
  }));
}

/** What else than images matters in an archive. */
const isTextName = (name: string): boolean => /\.(csv|tsv|jsonl|ndjson|json|txt|cls)$/i.test(name);

/**
 * The files of a tar archive packed with gzip. It can only be read from its beginning, so that is done once, now, and the
 * images and lists stay in memory.
 * @param mostBytes how much they may take; default a quarter of the free memory
 * @throws ConfigError where they take more
 * @throws FormatError where the archive is damaged, or more than 1 GiB at over 100 times its packed size
 */
export async function openTarGz(
  path: string,
  mostBytes = Math.floor(process.availableMemory() / 4),
): Promise<FileTree> {
  const { size: packed } = await openPieces(path);
  const source = gunzipSource(path, packed);
  let left = mostBytes;
  try {
    return await gather(path, source, async ({ name, size, take }) => {
      if (!isImageName(name) && !isTextName(name)) return undefined;
      left -= size;
      if (size > largestArchivedBytes || left < 0) {
        throw new ConfigError(
          `${path}: the images and lists in it take more than ${Math.round(mostBytes / 2 ** 20)} MiB, a quarter of the ` +
            "free memory, and a compressed tar archive cannot be read in place. Unpack it with gunzip: a plain .tar can.",
        );
      }
      const bytes = await take();
      return { size, read: async () => bytes };
    });
  } finally {
    source.close();
  }
}

type Entry = Parameters<Parameters<typeof gather>[2]>[0];

async function gather(
  path: string,
  source: TarSource,
  open: (
    entry: { readonly name: string; readonly size: number; readonly offset: number; take(): Promise<Uint8Array> },
    where: string,
  ) => Promise<ArchivedFile | undefined>,
): Promise<FileTree> {
  const files = new Map<string, ArchivedFile>();
  for await (const entry of tarEntries(source, path)) {
    const name = archivedPath(entry.name, path);
    if (name === undefined) continue;
    if (entry.link === undefined) {
      const file = await open(entry satisfies Entry, `${path}/${name}`);
      if (file) files.set(name, file);
      continue;
    }
    // A hard link is the file that it names, which came before.
    const target = files.get(archivedPath(entry.link, path) ?? "");
    if (target) files.set(name, target);
    else if (isImageName(name)) {
      throw new FormatError(`${path}: the entry ${JSON.stringify(name)} is a link to nothing. Pack the files anew.`);
    }
  }
  return archiveTree(path, files);
}

function pieceSource({ read, size }: ByteSource): TarSource {
  let position = 0;
  let kept: { readonly start: number; readonly bytes: Uint8Array } = { start: 0, bytes: new Uint8Array(0) };
  return {
    get position() {
      return position;
    },
    async read(length) {
      const at = position - kept.start;
      if (at < 0 || at + length > kept.bytes.length) {
        kept = { start: position, bytes: await read(position, Math.max(length, stretch)) };
      }
      const from = position - kept.start;
      const bytes = kept.bytes.subarray(from, from + length);
      position += bytes.length;
      return bytes;
    },
    async skip(length) {
      position = Math.min(size, position + length);
    },
  };
}

function gunzipSource(path: string, packed: number): TarSource & { close(): void } {
  const file = createReadStream(path);
  const unpacked = createGunzip();
  file.on("error", (error) => unpacked.destroy(error));
  const chunks: AsyncIterator<Buffer> = file.pipe(unpacked)[Symbol.asyncIterator]();
  let [position, total] = [0, 0];
  let rest: Uint8Array = new Uint8Array(0);
  const more = async (): Promise<boolean> => {
    const next = await chunks.next().catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw new FormatError(`${path}: cannot be unpacked: ${why}. Fetch or pack it anew.`, { cause: error });
    });
    if (next.done) return false;
    rest = next.value;
    total += rest.length;
    if (total > 2 ** 30 && total > 100 * packed) {
      throw new FormatError(`${path}: unpacks to more than 100 times its size, which images do not. Pack it anew.`);
    }
    return true;
  };
  /** Hands the next bytes on, piece by piece. */
  const pass = async (length: number, onPiece?: (piece: Uint8Array) => void): Promise<void> => {
    for (let left = length; left > 0; ) {
      if (rest.length === 0 && !(await more())) return;
      const piece = rest.subarray(0, left);
      rest = rest.subarray(piece.length);
      left -= piece.length;
      position += piece.length;
      onPiece?.(piece);
    }
  };
  return {
    get position() {
      return position;
    },
    async read(length) {
      const pieces: Uint8Array[] = [];
      // The claimed length is believed only as far as bytes arrive.
      await pass(length, (piece) => pieces.push(piece));
      return new Uint8Array(Buffer.concat(pieces));
    },
    skip: (length) => pass(length),
    close() {
      file.destroy();
      unpacked.destroy();
    },
  };
}
