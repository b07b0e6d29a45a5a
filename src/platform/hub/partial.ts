import { createHash, type Hash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { RuntimeUnavailableError } from "../../errors.js";
import { explainFailure } from "../files.js";
import type { HubFile } from "./listing.js";

/** A file that grows on disk, hashed as it grows. */
export interface Partial {
  readonly received: number;
  /** True where some of it was there before this process came. */
  readonly isContinued: boolean;
  write(chunk: Uint8Array): Promise<void>;
  /** Throws away what is there. */
  restart(): Promise<void>;
  /** True where what is there is the file that was announced. */
  isGenuine(): boolean;
  /** Flushes and lets go; the file stays. */
  close(): Promise<void>;
}

/**
 * The partial file at a path, with what an earlier process left in it.
 * @throws RuntimeUnavailableError where the rest has no room on the disk
 * @throws ConfigError where it cannot be written
 */
export async function openPartial(path: string, file: HubFile): Promise<Partial> {
  const failed = (error: unknown): never => {
    throw explainFailure(error, path, "write");
  };
  const out = await open(path, constants.O_RDWR | constants.O_CREAT).catch(failed);
  try {
    let [hash, received] = [emptyHash(file), 0];
    const { size } = await out.stat();
    const isContinued = size > 0 && size <= file.size;
    if (isContinued) [hash, received] = [await hashOf(out, size, hash), size];
    else if (size > 0) await out.truncate(0);
    await refuseScarcity(path, file, received);
    return {
      get received() {
        return received;
      },
      isContinued,
      async write(chunk) {
        for (let done = 0; done < chunk.length; ) {
          const { bytesWritten } = await out.write(chunk, done, chunk.length - done, received + done).catch(failed);
          done += bytesWritten;
        }
        hash.update(chunk);
        received += chunk.length;
      },
      async restart() {
        await out.truncate(0).catch(failed);
        [hash, received] = [emptyHash(file), 0];
      },
      isGenuine: () => received === file.size && hash.copy().digest("hex") === file.digest,
      async close() {
        await out.sync().catch(() => {});
        await out.close();
      },
    };
  } catch (error) {
    await out.close();
    return failed(error);
  }
}

/**
 * The hash under which the hub knows a file, of nothing yet.
 * @see https://git-scm.com/book/en/v2/Git-Internals-Git-Objects: SHA-1 of "blob", the size, a zero byte, the content
 */
const emptyHash = ({ digest, size }: HubFile): Hash =>
  digest.length === 64 ? createHash("sha256") : createHash("sha1").update(`blob ${size}\0`);

async function hashOf(file: FileHandle, size: number, hash: Hash): Promise<Hash> {
  const piece = Buffer.allocUnsafe(2 ** 20);
  for (let at = 0; at < size; ) {
    const { bytesRead } = await file.read(piece, 0, Math.min(piece.length, size - at), at);
    if (bytesRead === 0) break;
    hash.update(piece.subarray(0, bytesRead));
    at += bytesRead;
  }
  return hash;
}

/** Stops before the disk would be full: what fails after an hour fails late. */
async function refuseScarcity(path: string, file: HubFile, received: number): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(path)).catch(() => ({ bavail: Number.POSITIVE_INFINITY, bsize: 1 }));
  const [needed, left] = [file.size - received, bavail * bsize];
  if (needed <= left) return;
  const [needs, has] = [needed, left].map((bytes) => Math.ceil(bytes / 2 ** 20));
  throw new RuntimeUnavailableError(
    `${dirname(path)}: ${file.name} takes ${needs} MiB more, the disk has ${has} MiB left. Make room, or set HF_HOME to a folder on another disk.`,
  );
}
