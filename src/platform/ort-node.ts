import { availableParallelism } from "node:os";
import { ConfigError } from "../errors.js";
import { OrtExecutor, type OrtOptions, sessionOptions } from "../run/ort.js";
import type { Engine } from "../run/ort-engine.js";
import { WorkerEngine } from "./ort-port.js";

/**
 * An executor over onnxruntime-node in a thread of its own: runs never block the caller's event loop.
 * @param options `threads` defaults to the number of processors
 * @throws RuntimeUnavailableError from the first call, where ONNX Runtime has no binary for this machine
 */
export const createOrtExecutor = async (options: Omit<OrtOptions, "target"> = {}): Promise<OrtExecutor> =>
  new OrtExecutor(createOrtEngine(options), "cpu");

/** An engine over onnxruntime-node in a thread of its own, for models that are not our graphs. */
export function createOrtEngine(options: Omit<OrtOptions, "target"> = {}): Engine {
  const all = { threads: availableParallelism(), ...options, target: "cpu" } as const;
  return new WorkerEngine(workerEntry(import.meta.url), sessionOptions(all));
}

/**
 * The number of threads to compute with: as many as there are processors, unless asked for otherwise.
 * @throws ConfigError for more than four times the processors, which would only be in each other's way
 */
export function threadsOf(asked = availableParallelism()): number {
  const most = 4 * availableParallelism();
  if (asked <= most) return asked;
  throw new ConfigError(`threads: expected at most ${most}, four for each processor here, got ${asked}.`);
}

/** An executor for each of several lanes. */
export const createLaneExecutors = (lanes: number, threads: number): Promise<readonly OrtExecutor[]> =>
  Promise.all(Array.from({ length: lanes }, () => createOrtExecutor({ threads })));

// Node 20 cannot load TypeScript into a worker: when this file itself runs as source, under the tests, the worker is
// the one that was built.
const workerEntry = (here: string): URL =>
  new URL(here.endsWith(".ts") ? "../../dist/platform/ort-worker.js" : "./ort-worker.js", here);
