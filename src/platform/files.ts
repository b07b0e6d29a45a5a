import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { ConfigError, RuntimeUnavailableError } from "../errors.js";
import type { ByteSource } from "../vit/safetensors.js";

/** A file opened for reading in pieces. */
export interface FileBytes extends ByteSource {
  /** Changes when the file is replaced or written to: size, time of change and inode. */
  readonly version: string;
  close(): Promise<void>;
}

/** The largest read the operating systems all allow is just below 2 GiB. */
const longestRead = 2 ** 30;

/**
 * A file opened for reading. What is read lies in memory that threads can share, so a worker gets it without a copy.
 * @throws ConfigError where there is no such file, or no right to read it
 */
export async function openBytes(path: string): Promise<FileBytes> {
  try {
    const file = await open(path, "r");
    const facts = await file.stat({ bigint: true });
    if (!facts.isFile()) {
      await file.close();
      throw new ConfigError(`${path}: expected a file, got a ${facts.isDirectory() ? "folder" : "device"}.`);
    }
    return {
      name: path,
      size: Number(facts.size),
      version: `${facts.size}-${facts.mtimeNs}-${facts.ino}`,
      async read(offset, length) {
        const bytes = new Uint8Array(new SharedArrayBuffer(length));
        for (let done = 0; done < length; ) {
          const wanted = Math.min(length - done, longestRead);
          const { bytesRead } = await file.read(bytes, done, wanted, offset + done);
          if (bytesRead === 0) throw new ConfigError(`${path}: the file became shorter while it was read. Try again.`);
          done += bytesRead;
        }
        return bytes;
      },
      close: () => file.close(),
    };
  } catch (error) {
    throw explainFailure(error, path, "read");
  }
}

/** The text of a file; undefined where there is none. @throws ConfigError where it cannot be read */
export const readIfThere = (path: string): Promise<string | undefined> =>
  readFile(path, "utf8").catch((error) => {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error))) return undefined;
    throw explainFailure(error, path, "read");
  });

/**
 * Writes a file so that at every moment either the old one or the complete new one is there: beside it, flushed to the
 * disk, then renamed.
 * @param content one piece, or pieces that follow one another
 * @throws RuntimeUnavailableError where the disk is full
 * @throws ConfigError where the folder is missing or closed to writing
 */
export async function writeAtomically(
  path: string,
  content: string | Uint8Array | Iterable<Uint8Array>,
): Promise<void> {
  const beside = `${path}.${process.pid}-${randomBytes(4).toString("hex")}.tmp`;
  const pieces = typeof content === "string" || content instanceof Uint8Array ? [content] : content;
  try {
    const file = await open(beside, "wx");
    try {
      for (const piece of pieces) await file.writeFile(piece);
      await file.sync();
    } finally {
      await file.close();
    }
    await replace(beside, path);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => {});
    throw explainFailure(error, path, "write");
  }
  await syncFolder(dirname(path));
}

/**
 * Makes a folder and those above it, where they are not there. Node.js' own way hangs where nothing can be made (`/proc/x`).
 * @param shown the path for messages, where that is another
 * @throws ConfigError where a file is in the way, or nothing can be made there
 * @throws RuntimeUnavailableError where the disk is full
 */
export async function makeFolder(path: string, shown = path): Promise<void> {
  const make = async (folder: string): Promise<void> => {
    if (await isFolder(folder)) return;
    if (folder !== dirname(folder)) await make(dirname(folder));
    await mkdir(folder).catch(async (error) => {
      // Somebody else was quicker.
      if (codeOf(error) !== "EEXIST" || !(await isFolder(folder))) throw error;
    });
  };
  try {
    await make(resolve(path));
  } catch (error) {
    if (!["ENOENT", "ENOTDIR", "EEXIST", "EINVAL", "ENAMETOOLONG"].includes(codeOf(error)))
      throw explainFailure(error, shown, "write");
    const why = ["ENOTDIR", "EEXIST"].includes(codeOf(error)) ? "a file is in the way" : codeOf(error);
    throw new ConfigError(`${shown}: no folder can be made there (${why}). Take another place.`);
  }
}

/** True where something lies at the path. */
export const isThere = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined)) !== undefined;

/** True where a folder lies at the path. */
export const isFolder = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined))?.isDirectory() === true;

/** Appends one line to a file, in one write. @throws as `writeAtomically` */
export async function appendLine(path: string, line: string): Promise<void> {
  try {
    const file = await open(path, "a");
    try {
      await file.writeFile(`${line}\n`);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw explainFailure(error, path, "write");
  }
}

/** Renames over a file; on Windows another process (a virus scanner) may hold it for a moment. */
async function replace(from: string, to: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await rename(from, to);
    } catch (error) {
      const busy = process.platform === "win32" && ["EPERM", "EACCES", "EBUSY"].includes(codeOf(error));
      if (!busy || attempt === 5 || (await stat(to).catch(() => undefined))?.isDirectory()) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20 << attempt));
    }
  }
}

/** Makes a rename in the folder survive a power cut, where the system has a way to. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r").catch(() => undefined);
  await folder?.sync().catch(() => {});
  await folder?.close();
}

/** The code of a system's error, `ENOENT`; empty for any other value. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";

/** The system's error as a letter to a person; an error that is none of the known ones comes back as it is. */
export function explainFailure(error: unknown, path: string, intent: "read" | "write"): unknown {
  switch (codeOf(error)) {
    case "ENOSPC":
    case "EDQUOT":
      return new RuntimeUnavailableError(
        `${path}: could not be written, the disk is full. What was there before is untouched; make room and start again.`,
      );
    case "ENOENT":
    case "ENOTDIR":
      return new ConfigError(
        intent === "read" ? `${path}: there is no such file.` : `${path}: its folder does not exist. Create it first.`,
      );
    case "EISDIR":
      return new ConfigError(`${path}: expected a file, got a folder.`);
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new ConfigError(`${path}: no permission to ${intent} it. Change its rights or take another place.`);
    default:
      return error;
  }
}
