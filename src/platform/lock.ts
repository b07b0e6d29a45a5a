import { randomBytes } from "node:crypto";
import { constants, copyFile, link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { ConfigError } from "../errors.js";
import { codeOf, explainFailure } from "./files.js";

/** A folder held by this process until it is released, or until the process ends, however that happens. */
export interface FolderLock {
  release(): Promise<void>;
}

/**
 * Takes a folder for this process: a file `.lock` in it says who holds it. The lock of a process that is gone, even by
 * SIGKILL, is taken over.
 * @throws ConfigError where a living process holds the folder; the message says which
 */
export async function lockFolder(path: string): Promise<FolderLock> {
  const lock = join(path, ".lock");
  const mine = JSON.stringify({
    pid: process.pid,
    started: await startOf(process.pid),
    token: randomBytes(6).toString("hex"),
  });
  const beside = `${lock}.${process.pid}-${randomBytes(4).toString("hex")}.tmp`;
  try {
    await writeFile(beside, mine, { flag: "wx" });
    for (;;) {
      if (await place(beside, lock)) break;
      const theirs = await readFile(lock, "utf8").catch(() => undefined);
      if (theirs === undefined) continue;
      const holder = await livingHolder(theirs);
      if (holder) {
        throw new ConfigError(
          `${path}: in use by process ${holder}. Wait until it is done or end it; if no such run exists, delete ${lock}.`,
          { cause: holder },
        );
      }
      await putAside(lock, theirs, `${beside}.stale`);
    }
  } catch (error) {
    throw explainFailure(error, lock, "write");
  } finally {
    await rm(beside, { force: true });
  }
  return {
    async release() {
      if ((await readFile(lock, "utf8").catch(() => "")) === mine) await rm(lock, { force: true });
    },
  };
}

/**
 * Takes a folder as `lockFolder` does, but waits until whoever holds it lets go.
 * @param onWait told once, of the process that holds it
 * @throws the signal's reason where it is aborted
 */
export async function awaitFolder(
  path: string,
  { signal, onWait }: { readonly signal?: AbortSignal | undefined; readonly onWait?: (holder: number) => void } = {},
): Promise<FolderLock> {
  for (let waits = 0; ; waits++) {
    try {
      return await lockFolder(path);
    } catch (error) {
      if (!(error instanceof ConfigError) || typeof error.cause !== "number") throw error;
      if (waits === 0) onWait?.(error.cause);
    }
    signal?.throwIfAborted();
    await setTimeout(200);
  }
}

/** Puts the prepared lock in its place, content and all at once; false where there is one already. */
async function place(beside: string, lock: string): Promise<boolean> {
  const linkless = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"];
  try {
    await link(beside, lock).catch((error) => {
      if (!linkless.includes(codeOf(error))) throw error;
      return copyFile(beside, lock, constants.COPYFILE_EXCL);
    });
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** Takes a dead process's lock away; one that somebody else has taken over meanwhile goes back to its place. */
async function putAside(lock: string, stale: string, aside: string): Promise<void> {
  await rename(lock, aside).catch(() => {});
  const moved = await readFile(aside, "utf8").catch(() => stale);
  if (moved !== stale) await link(aside, lock).catch(() => {});
  await rm(aside, { force: true });
}

/** The process that wrote a lock, if it is still the one that runs under its number. */
async function livingHolder(text: string): Promise<number | undefined> {
  try {
    const { pid, started } = JSON.parse(text) as { pid: unknown; started: unknown };
    if (typeof pid !== "number" || !Number.isSafeInteger(pid) || pid <= 0 || !isAlive(pid)) return undefined;
    const now = await startOf(pid);
    return typeof started === "string" && now !== undefined && now !== started ? undefined : pid;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}

/**
 * When a process started, in a form only good for comparing; known on Linux, elsewhere the number alone must do.
 * `"ended"` for one that is dead and only waits for its parent to ask: in containers that may last for ever.
 */
async function startOf(pid: number): Promise<string | undefined> {
  const facts = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  // Fields 3 and 22; the second one, the command in parentheses, may hold spaces.
  const fields = facts?.slice(facts.lastIndexOf(")") + 2).split(" ");
  return fields?.[0] === "Z" || fields?.[0] === "X" ? "ended" : fields?.[19];
}
