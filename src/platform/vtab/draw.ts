import { createHash } from "node:crypto";
import { readdir, rename, rm, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { type Split, splitNames } from "../../data/dataset.js";
import { drawSample } from "../../data/vtab-division.js";
import type { VtabTask } from "../../data/vtab-tasks.js";
import { ConfigError, FormatError } from "../../errors.js";
import { folderTree } from "../datasets/folder-tree.js";
import { codeOf, explainFailure, makeFolder, writeAtomically } from "../files.js";
import { lockFolder } from "../lock.js";
import { packageVersion } from "../versions.js";
import { tasksNamed } from "./check.js";
import { filesBelow, locateOriginals, openOriginals } from "./locate.js";
import { ownSample, readOwnSample } from "./own.js";
import { writeSample } from "./write.js";

/** What is wanted of a draw. */
export interface DrawOptions {
  /** Folder with a folder or file of originals for each task. */
  readonly from: string;
  /** Folder that is written; new or empty, but with `resume`. */
  readonly out: string;
  /** Names of tasks; default: all whose originals are there. */
  readonly tasks?: readonly string[] | undefined;
  /** Default 0. */
  readonly seed?: number | undefined;
  /** Test images at most; default: all. */
  readonly testImages?: number | undefined;
  /** Go on in a folder with finished tasks, which stay as they are. */
  readonly resume?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((task: string, done: number, total: number) => void) | undefined;
}

/** What became of a task. */
export interface DrawOutcome {
  readonly task: string;
  /** `absent`: there are no originals of that name; `refused`: there are, but they cannot be used. */
  readonly state: "drawn" | "already there" | "absent" | "refused";
  /** What the originals were read as, and how they were divided; or why nothing was drawn. */
  readonly text: string;
  readonly images: Readonly<Record<Split, number>> | null;
  readonly digest: string | null;
}

/**
 * Draws a sample of our own of the tasks whose originals are there, in the layout of VTAB-1k. Each task is written beside and
 * renamed when it is whole.
 * @throws ConfigError where the folder to be written is not empty, or lies within the originals
 */
export async function drawVtab(options: DrawOptions): Promise<readonly DrawOutcome[]> {
  const { from, out, resume = false } = options;
  if (`${resolve(out)}/`.startsWith(`${resolve(from)}/`)) {
    throw new ConfigError(`${out}: lies within the originals. Give another folder to be written.`);
  }
  const tasks = tasksNamed(options.tasks);
  await readdir(from).catch((error: unknown) => {
    throw explainFailure(error, from, "read");
  });
  const present = await readdir(out).catch((error: unknown) => {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error))) return [];
    throw explainFailure(error, out, "read");
  });
  if (present.length > 0 && !resume) {
    throw new ConfigError(
      `${out}: the folder is not empty. Give a new one, or add --resume to keep the tasks that are finished.`,
    );
  }
  await makeFolder(out);
  const lock = await lockFolder(out);
  try {
    const outcomes: DrawOutcome[] = [];
    for (const task of tasks) {
      options.signal?.throwIfAborted();
      outcomes.push(await drawTask(task, options));
    }
    return outcomes;
  } finally {
    await lock.release();
  }
}

async function drawTask(task: VtabTask, options: DrawOptions): Promise<DrawOutcome> {
  const { from, out, seed = 0, testImages } = options;
  const folder = join(out, task.name);
  const nothing = { task: task.name, images: null, digest: null };
  const path = await locateOriginals(from, task);
  if (path === undefined) {
    const names = [...new Set([task.name, task.source ?? task.name])].join(" or ");
    return { ...nothing, state: "absent", text: `no originals: expected a folder or file ${names} in ${from}` };
  }
  const source = await digestSource(path);
  if (await stat(folder).catch(() => undefined)) {
    const own = await readOwnSample(folderTree(folder));
    const isSame = own?.seed === seed && own.source === source && own.testImages === (testImages ?? null);
    if (isSame) return { ...nothing, state: "already there", text: "kept as it is", digest: own.digest };
    const text = `${folder} is there already, and was not drawn from these originals with seed ${seed}; remove it`;
    return { ...nothing, state: "refused", text };
  }
  const partial = join(out, `.${task.name}.partial`);
  await rm(partial, { recursive: true, force: true });
  try {
    const originals = await openOriginals(path, task);
    const labels = Object.fromEntries(splitNames.map((name) => [name, originals.splits[name]?.labels ?? null]));
    const sample = drawSample(task, labels as Record<Split, Int32Array | null>, seed, testImages);
    const { facts, digest } = await writeSample(partial, task, originals, sample, options);
    const info = {
      sample: ownSample,
      notice: "Drawn anew, not VTAB-1k's own images: results do not belong beside published ones.",
      task: task.name,
      seed,
      testImages: testImages ?? null,
      source,
      originals: { name: basename(path), readAs: originals.form },
      division: sample.division,
      labels: facts.rule,
      images: facts.images,
      classes: originals.classes,
      digest,
      version: packageVersion(),
    };
    await writeAtomically(join(partial, "info.json"), `${JSON.stringify(info, null, 2)}\n`);
    await rename(partial, folder);
    return {
      task: task.name,
      state: "drawn",
      text: `${originals.form}; ${sample.division}`,
      images: facts.images,
      digest,
    };
  } catch (error) {
    await rm(partial, { recursive: true, force: true }).catch(() => {});
    const isTheirs = error instanceof FormatError || error instanceof ConfigError;
    if (!isTheirs) throw explainFailure(error, partial, "write");
    return { ...nothing, state: "refused", text: error.message };
  }
}

/** SHA-256 over names and lengths of all files of the originals; their contents are in the digest of what is drawn. */
async function digestSource(path: string): Promise<string> {
  const hash = createHash("sha256");
  const isFolder = (await stat(path)).isDirectory();
  for (const file of isFolder ? await filesBelow(path) : [""]) {
    const { size } = await stat(isFolder ? join(path, file) : path);
    hash.update(`${JSON.stringify([isFolder ? file : basename(path), size])}\n`);
  }
  return hash.digest("hex");
}
