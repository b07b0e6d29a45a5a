// A whole training with validation, or the forecast of one: answers with what it took and what had been said of it.
import { forecast, train } from "../dist/platform/node.js";
import { peakMiB, serve } from "./measure.mjs";

const { isForecast, ...config } = JSON.parse(process.argv[2]);

async function training() {
  const ends = [];
  let estimate = 0;
  const onEvent = ({ event, memoryBytes }) => {
    if (event === "start") estimate = memoryBytes / 2 ** 20;
    if (event === "start" || event === "epoch") ends.push(performance.now());
  };
  const { lanes, microBatch } = await train(config, { report: "none", onEvent });
  const [began, first] = ends;
  const seconds = (performance.now() - began) / 1000;
  // The first epoch decodes images as well.
  const secondsPerEpoch = (ends.at(-1) - first) / 1000 / (config.epochs - 1);
  return { estimateMiB: estimate, peakMiB: peakMiB(), lanes, microBatch, seconds, secondsPerEpoch };
}

await serve({}, () => (isForecast ? forecast(config) : training()));
