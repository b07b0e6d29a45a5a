// Loaded before the command by `node --import`: writes to file descriptor 3 when the first run of a graph is handed to the
// worker in which ONNX Runtime lives, and changes nothing else.
import { writeSync } from "node:fs";
import { Worker } from "node:worker_threads";

const { postMessage } = Worker.prototype;
Worker.prototype.postMessage = function (message, ...rest) {
  if (message?.method === "run") {
    Worker.prototype.postMessage = postMessage;
    writeSync(3, "run\n");
  }
  return postMessage.call(this, message, ...rest);
};
