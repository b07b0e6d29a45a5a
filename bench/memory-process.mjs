// A whole training with validation: answers with its estimate and its peak, both in MiB.
import { train } from "../dist/platform/node.js";
import { peakMiB, serve } from "./measure.mjs";

const config = JSON.parse(process.argv[2]);
await serve({}, async () => {
  let estimate = 0;
  const onEvent = (event) => {
    if (event.event === "start") estimate = event.memoryBytes / 2 ** 20;
  };
  const { lanes, microBatch } = await train(config, { report: "none", onEvent });
  return { estimateMiB: estimate, peakMiB: peakMiB(), lanes, microBatch };
});
