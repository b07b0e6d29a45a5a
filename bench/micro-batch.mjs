// Which micro-batch is fastest? The evidence behind src/train/micro-batch.ts.
import { microBatchOf } from "../dist/train/micro-batch.js";
import { architectureOf } from "../dist/vit/architecture.js";
import { temporaryFolder, writeRandomBackbone } from "./material.mjs";
import { interleave, ratio, spread, startOwn } from "./measure.mjs";
import { parseOptions } from "./options.mjs";
import { printTable, record, show } from "./report.mjs";

const options = parseOptions(process.argv.slice(2));
const { model, imageSize, batch, threads, rounds } = options;
const backbone = temporaryFolder();
writeRandomBackbone(model, backbone);
const own = microBatchOf({ ...architectureOf(model), imageSize: [imageSize, imageSize] }, batch);
const sizes = [...new Set([1, 2, 4, 8, 16, 32, own])].filter((size) => size <= batch).sort((a, b) => a - b);

/** Images per second of a new process, after one batch to warm up; several alive at once might not fit into memory. */
async function turn(microBatch) {
  const process = await startOwn("./sas-process.mjs", { backbone, imageSize, batch, threads, microBatch });
  await process.ask();
  const answers = [await process.ask(), await process.ask()];
  await process.close();
  const seconds = answers.reduce((sum, { ms }) => sum + ms / 1000, 0);
  return { speed: (batch * answers.length) / seconds, peakMiB: answers[1].peakMiB };
}

const found = await interleave(rounds, Object.fromEntries(sizes.map((size) => [size, () => turn(size)])));
const speeds = Object.fromEntries(sizes.map((size) => [size, found[size].map(({ speed }) => speed)]));
const results = sizes.map((microBatch) => ({
  microBatch,
  imagesPerSecond: spread(speeds[microBatch]),
  ofOwn: ratio(speeds[microBatch], speeds[own]),
  peakMiB: Math.max(...found[microBatch].map(({ peakMiB }) => peakMiB)),
}));
record(options, { model, imageSize, batch, threads, rounds, own, results });
console.log(`${model} at ${imageSize} px; the engine takes ${own}`);
printTable(
  ["micro-batch", "images/s", "of the engine's", "peak MiB"],
  results.map((r) => [r.microBatch, show(r.imagesPerSecond, 1), show(r.ofOwn), r.peakMiB.toFixed()]),
);
