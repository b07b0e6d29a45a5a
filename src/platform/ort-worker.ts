/**
 * A thread in which ONNX Runtime runs: its binding blocks the thread that calls it for the length of a run, and with
 * it every timer, signal and progress bar.
 */
import { MessageChannel, parentPort, workerData } from "node:worker_threads";
import * as ort from "onnxruntime-node";
import { type EngineGraph, OrtEngine } from "../run/ort-engine.js";
import type { Call, Reply } from "./ort-port.js";

const port = parentPort;
if (!port) throw new Error("ort-worker is the entry of a worker thread");
const engine = new OrtEngine(ort, workerData);

port.on("message", async ({ id, method, args }: Call) => {
  try {
    const result = await perform(method, args);
    // Results of a run belong to the caller alone and move; what is read stays here too, and is cloned.
    const moved = method === "run" ? buffersOf(result as object) : [];
    port.postMessage({ id, result } satisfies Reply, moved);
  } catch (thrown) {
    const { name, message, stack } = thrown instanceof Error ? thrown : new Error(String(thrown));
    port.postMessage({ id, error: { name, message, stack } } satisfies Reply);
  }
});

async function perform(method: Call["method"], args: Call["args"]): Promise<unknown> {
  try {
    return await (engine[method] as (...args: readonly unknown[]) => Promise<unknown>)(...args);
  } finally {
    if (method === "load") free((args[0] as EngineGraph).externalData);
  }
}

/**
 * Gives memory back at once: ONNX Runtime has copied the weights, and this thread makes so little garbage that the
 * collector might never come. A message to a closed port takes its buffers with it.
 */
function free(externalData: EngineGraph["externalData"]): void {
  const own = Array.from(externalData, ({ data }) => data.buffer).filter((buffer) => buffer instanceof ArrayBuffer);
  const { port1, port2 } = new MessageChannel();
  port2.close();
  port1.postMessage(undefined, [...new Set(own)]);
  port1.close();
}

function buffersOf(results: object): ArrayBuffer[] {
  const tensors = Object.values(results).filter((result) => "data" in result);
  return [...new Set(tensors.map(({ data }) => data.buffer as ArrayBuffer))];
}
