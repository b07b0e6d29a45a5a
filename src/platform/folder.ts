import { randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ConfigError } from "../errors.js";
import type { FilePieces } from "../onnx/model-file.js";
import { codeOf, explainFailure, writeAtomically } from "./files.js";

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
 * Stops where a folder that is to be made exists already, unless it is empty.
 * @throws ConfigError
 */
export async function refuseFilled(path: string): Promise<void> {
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

/**
 * Writes a folder so that it is there with all of its files or not at all: beside it, then renamed.
 * @throws ConfigError where it is there already, or may not be written
 * @throws RuntimeUnavailableError where the disk is full
 */
export async function writeFolder(path: string, files: readonly FileToWrite[]): Promise<void> {
  await refuseFilled(path);
  const target = path.replace(/[/\\]+$/, "");
  const beside = `${target}.${process.pid}-${randomBytes(4).toString("hex")}.tmp`;
  try {
    for (const { path: name, pieces } of files) {
      const file = join(beside, name);
      await mkdir(dirname(file), { recursive: true });
      await writeAtomically(file, pieces);
    }
    // Only an empty one is here; Windows renames over none.
    await rmdir(target).catch((error) => {
      if (codeOf(error) !== "ENOENT") throw error;
    });
    await rename(beside, target);
  } catch (error) {
    await rm(beside, { recursive: true, force: true }).catch(() => {});
    throw explainFailure(error, path, "write");
  }
}
