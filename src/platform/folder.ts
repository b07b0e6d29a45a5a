import { randomBytes } from "node:crypto";
import { readdir, rename, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ConfigError } from "../errors.js";
import type { FilePieces } from "../onnx/model-file.js";
import { codeOf, explainFailure, makeFolder, writeAtomically } from "./files.js";

/** A file to be written. */
export interface FileToWrite extends FilePieces {
  /** Below the folder. */
  readonly path: string;
}

/** A file of text. */
export function textFile(path: string, text: string): FileToWrite {
  const bytes = new TextEncoder().encode(text);
  return { path, byteLength: bytes.length, pieces: [bytes] };
}

/** A file of pieces that are there already. */
export const chunksFile = (path: string, pieces: readonly Uint8Array[]): FileToWrite => ({
  path,
  byteLength: pieces.reduce((sum, { length }) => sum + length, 0),
  pieces,
});

/**
 * Writes a folder so that it is there with all of its files or not at all: beside it, then renamed. The one beside is made
 * first, so that a place where nothing can be written is told before the work is done.
 * @param make does the work, and returns the files with whatever else it found
 * @throws ConfigError where it is there already, or may not be written
 * @throws RuntimeUnavailableError where the disk is full
 */
export async function writeFolder<Made extends { readonly files: readonly FileToWrite[] }>(
  path: string,
  make: () => Promise<Made>,
): Promise<Made> {
  await refuseFilled(path);
  const target = path.replace(/[/\\]+$/, "");
  const beside = `${target}.${process.pid}-${randomBytes(4).toString("hex")}.tmp`;
  await makeFolder(beside, path);
  try {
    const made = await make();
    await fill(beside, made.files, target).catch((error) => {
      throw explainFailure(error, path, "write");
    });
    return made;
  } catch (error) {
    await rm(beside, { recursive: true, force: true }).catch(() => {});
    throw error;
  }
}

async function fill(beside: string, files: readonly FileToWrite[], target: string): Promise<void> {
  for (const { path, pieces } of files) {
    const file = join(beside, path);
    await makeFolder(dirname(file));
    await writeAtomically(file, pieces);
  }
  // Only an empty one is here; Windows renames over none.
  await rmdir(target).catch((error) => {
    if (codeOf(error) !== "ENOENT") throw error;
  });
  await rename(beside, target);
}

/**
 * Stops where a folder that is to be made exists already, unless it is empty.
 * @throws ConfigError
 */
async function refuseFilled(path: string): Promise<void> {
  const facts = await stat(path).catch(() => undefined);
  if (facts === undefined) return;
  if (!facts.isDirectory())
    throw new ConfigError(`${path}: expected a folder to make, got a file. Take another --out.`);
  const names = await readdir(path).catch((error) => {
    throw explainFailure(error, path, "read");
  });
  if (names.length === 0) return;
  throw new ConfigError(`${path}: the folder exists already and is not empty. Take another --out, or delete it.`);
}
