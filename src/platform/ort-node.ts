import { availableParallelism } from "node:os";
import { OrtExecutor, type OrtOptions, sessionOptions } from "../run/ort.js";
import { WorkerEngine } from "./ort-port.js";

/**
 * An executor over onnxruntime-node in a thread of its own: runs never block the caller's event loop.
 * @param options `threads` defaults to the number of processors
 * @throws RuntimeUnavailableError from the first call, where ONNX Runtime has no binary for this machine
 */
export async function createOrtExecutor(options: Omit<OrtOptions, "target"> = {}): Promise<OrtExecutor> {
  const all = { threads: availableParallelism(), ...options, target: "cpu" } as const;
  return new OrtExecutor(new WorkerEngine(workerEntry(import.meta.url), sessionOptions(all)), all.target);
}

/** An executor for each of several lanes. */
export const createLaneExecutors = (lanes: number, threads: number): Promise<readonly OrtExecutor[]> =>
  Promise.all(Array.from({ length: lanes }, () => createOrtExecutor({ threads })));

// Node 20 cannot load TypeScript into a worker: when this file itself runs as source, under the tests, the worker is
// the one that was built.
const workerEntry = (here: string): URL =>
  new URL(here.endsWith(".ts") ? "../../dist/platform/ort-worker.js" : "./ort-worker.js", here);
