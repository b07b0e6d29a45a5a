import { open } from "node:fs/promises";
import { ConfigError } from "../../errors.js";
import type { ByteSource } from "../../vit/safetensors.js";
import { explainFailure } from "../files.js";

/**
 * A file that is held open only while a piece of it is read: a data set has no end at which it could be closed. Where it
 * ends a piece is shorter.
 * @throws ConfigError where it cannot be read, or changed since it was opened
 */
export async function openPieces(path: string): Promise<ByteSource> {
  const use = async <T>(task: (file: Awaited<ReturnType<typeof open>>) => Promise<T>): Promise<T> => {
    const file = await open(path, "r").catch((error: unknown) => {
      throw explainFailure(error, path, "read");
    });
    try {
      return await task(file);
    } finally {
      await file.close();
    }
  };
  const facts = await use((file) => file.stat());
  return {
    name: path,
    size: facts.size,
    read: (offset, length) =>
      use(async (file) => {
        const now = await file.stat();
        if (now.size !== facts.size || now.mtimeMs !== facts.mtimeMs) {
          throw new ConfigError(`${path}: the file was changed while it was in use. Start again.`);
        }
        const bytes = new Uint8Array(Math.max(0, Math.min(length, facts.size - offset)));
        let done = 0;
        while (done < bytes.length) {
          const { bytesRead } = await file.read(bytes, done, bytes.length - done, offset + done);
          if (bytesRead === 0) break;
          done += bytesRead;
        }
        return bytes.subarray(0, done);
      }),
  };
}
