import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { Architecture } from "../vit/architecture.js";
import type { Weights } from "../vit/checkpoint.js";
import { hashBackbone } from "../vit/hash.js";
import { makeFolder, writeAtomically } from "./files.js";

/** Where this user's programs keep what they can compute again. */
function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const home = homedir();
  const base =
    process.platform === "win32"
      ? (env.LOCALAPPDATA ?? join(home, "AppData", "Local"))
      : (env.XDG_CACHE_HOME ??
        (process.platform === "darwin" ? join(home, "Library", "Caches") : join(home, ".cache")));
  return join(base, "sas-petl");
}

/**
 * The hash of a backbone, from the cache where this version of its file has been hashed before. A cache that cannot be
 * read or written costs the time to hash and nothing else.
 * @param path of the file, absolute
 * @param version of the file, as `openBytes` gives it
 */
export async function cachedHash(path: string, version: string, a: Architecture, weights: Weights): Promise<string> {
  const key = { format: 1, path, version };
  const folder = join(cacheFolder(), "hashes");
  const entry = join(folder, `${createHash("sha256").update(path).digest("hex").slice(0, 32)}.json`);
  try {
    const { hash, ...rest } = JSON.parse(await readFile(entry, "utf8")) as Record<string, unknown>;
    if (typeof hash === "string" && /^[0-9a-f]{64}$/.test(hash) && JSON.stringify(rest) === JSON.stringify(key))
      return hash;
  } catch {
    // Not there or broken: computed below.
  }
  const sha256 = createHash("sha256");
  const hash = await hashBackbone(a, weights, {
    // Between the tensors everybody else gets a turn: progress, Ctrl-C.
    update(bytes) {
      sha256.update(bytes);
      return bytes.length > 2 ** 20 ? setImmediate() : undefined;
    },
    finish: () => sha256.digest("hex"),
  });
  await makeFolder(folder)
    .then(() => writeAtomically(entry, JSON.stringify({ ...key, hash })))
    .catch(() => {});
  return hash;
}
