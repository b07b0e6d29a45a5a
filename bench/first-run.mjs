// Loaded before the command by `node --import`: writes to file descriptor 3 when the first graph begins to run, and
// changes nothing else. ONNX Runtime lives in a worker thread, which loads it anyway.
import { writeSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

if (!isMainThread) {
  const { InferenceSession } = await import("onnxruntime-node");
  const { run } = InferenceSession.prototype;
  InferenceSession.prototype.run = function (...args) {
    InferenceSession.prototype.run = run;
    writeSync(3, "run\n");
    return run.apply(this, args);
  };
}
