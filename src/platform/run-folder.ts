import { readdir, rm, rmdir, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import type { Account } from "../adapter/account.js";
import type { Split } from "../data/dataset.js";
import { ConfigError, FormatError } from "../errors.js";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from "../train/checkpoint.js";
import { parseConfig, type TrainConfig } from "../train/config.js";
import type { DoneEvent, RunFacts } from "../train/events.js";
import type { RunStore } from "../train/store.js";
import { readSafetensors, safetensorsChunks } from "../vit/safetensors.js";
import { appendLine, makeFolder, openBytes, readIfThere, writeAtomically } from "./files.js";
import { type FolderLock, lockFolder } from "./lock.js";

/** What a run is about, for whoever looks at it while it is under way. */
export interface RunTask {
  readonly classes: readonly string[];
  readonly images: Readonly<Record<Split, number>>;
  readonly account: Account;
}

/** What `config.json` of a run folder holds. */
export interface RunRecord {
  readonly config: TrainConfig;
  readonly facts: RunFacts;
  /** Where backbone and data were, so that later commands find them from any folder. */
  readonly places: { readonly backbone: string; readonly data: string };
  /** Absent in runs of the first version. */
  readonly task?: RunTask;
}

/** Names of the files in a run folder. */
export const runFiles = {
  config: "config.json",
  metrics: "metrics.jsonl",
  checkpoint: "checkpoint.safetensors",
  adapter: "adapter.safetensors",
  best: "best.safetensors",
  predictions: "predictions.jsonl",
  result: "result.json",
  report: "report.html",
  events: "events.out.tfevents.sas-petl",
} as const;

/** A run folder held by this process. */
export interface RunFolder extends RunStore {
  readonly record: RunRecord | undefined;
  readonly result: DoneEvent | undefined;
  writeRecord(record: RunRecord): Promise<void>;
  /** Writes adapters and predictions first, the result last: a result means that everything is there. */
  finish(
    adapter: Iterable<Uint8Array>,
    best: Iterable<Uint8Array> | null,
    predictions: Iterable<Uint8Array>,
    result: DoneEvent,
  ): Promise<void>;
  release(): Promise<void>;
}

/**
 * Stops where a run folder may not be used, before any work is done.
 * @throws ConfigError where it exists and is not to be resumed
 */
export async function refuseExisting(path: string, isResumed: boolean): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || (isResumed && found.isDirectory())) return;
  throw new ConfigError(
    found.isDirectory()
      ? `${path}: the run folder exists already. Add --resume to go on with it, or take another --out.`
      : `${path}: expected a run folder, got a file. Take another --out.`,
  );
}

/**
 * The run folder, made where it is not there, and locked until it is released.
 * @throws ConfigError where another process uses it, or it holds something else than a run
 */
export async function openRunFolder(path: string): Promise<RunFolder> {
  await makeFolder(path);
  const lock = await lockFolder(path).catch(async (error) => {
    // Only where it is empty: then this call has made it, and it would stand in the way of the next.
    await rmdir(path).catch(() => {});
    throw error;
  });
  try {
    const record = await readRunRecord(path);
    if (record === undefined) await refuseForeign(path);
    await removeUnfinished(path);
    return runFolder(path, lock, record, await readResult(path));
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/**
 * What a run was started with, or undefined where the folder holds no run.
 * @throws FormatError where its config.json is damaged
 */
export async function readRunRecord(path: string): Promise<RunRecord | undefined> {
  const file = join(path, runFiles.config);
  const record = (await readJson(file)) as RunRecord | undefined;
  if (record === undefined) return undefined;
  if (typeof record.facts !== "object" || typeof record.places?.backbone !== "string") {
    throw new FormatError(`${file}: this is no configuration of a run. Take another folder.`);
  }
  return { ...record, config: parseConfig(record.config, file) };
}

/** The result of a finished run, or undefined where the folder holds none. */
export const readResult = async (path: string): Promise<DoneEvent | undefined> =>
  (await readJson(join(path, runFiles.result))) as DoneEvent | undefined;

function runFolder(
  path: string,
  lock: FolderLock,
  record: RunRecord | undefined,
  result: DoneEvent | undefined,
): RunFolder {
  const [metrics, checkpoint] = [join(path, runFiles.metrics), join(path, runFiles.checkpoint)];
  let length = 0;
  return {
    record,
    result,
    writeRecord: (value) => writeAtomically(join(path, runFiles.config), `${JSON.stringify(value, null, 2)}\n`),
    async load(): Promise<Checkpoint | undefined> {
      const stored = await readCheckpoint(checkpoint);
      const { size } = await stat(metrics).catch(() => ({ size: 0 }));
      length = Math.min(size, stored?.progress.metricsBytes ?? 0);
      if (size > length) await truncate(metrics, length);
      return stored;
    },
    save: (value) => writeAtomically(checkpoint, safetensorsChunks(encodeCheckpoint(value))),
    async append(line) {
      await appendLine(metrics, line);
      length += new TextEncoder().encode(line).length + 1;
      return length;
    },
    async finish(adapter, best, predictions, done) {
      await writeAtomically(join(path, runFiles.adapter), adapter);
      if (best !== null) await writeAtomically(join(path, runFiles.best), best);
      await writeAtomically(join(path, runFiles.predictions), predictions);
      await writeAtomically(join(path, runFiles.result), `${JSON.stringify(done, null, 2)}\n`);
    },
    release: () => lock.release(),
  };
}

async function readCheckpoint(path: string): Promise<Checkpoint | undefined> {
  if ((await stat(path).catch(() => undefined)) === undefined) return undefined;
  const file = await openBytes(path);
  try {
    return decodeCheckpoint(await readSafetensors(file), path);
  } finally {
    await file.close();
  }
}

async function readJson(path: string): Promise<unknown> {
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Told below.
  }
  throw new FormatError(`${path}: no valid JSON object. The file is damaged; take another run folder.`);
}

/** Removes what a process that was killed had begun to write. */
async function removeUnfinished(path: string): Promise<void> {
  const own = Object.values(runFiles);
  for (const name of await readdir(path)) {
    if (name.endsWith(".tmp") && own.some((file) => name.startsWith(`${file}.`))) await rm(join(path, name));
  }
}

async function refuseForeign(path: string): Promise<void> {
  const foreign = (await readdir(path)).filter((name) => !name.startsWith("."));
  const own = new Set<string>(Object.values(runFiles));
  const [strange] = foreign.filter((name) => !own.has(name) && !name.endsWith(".tmp"));
  if (strange === undefined) return;
  throw new ConfigError(`${path}: this folder holds ${strange}, but no run. Take another --out.`);
}
