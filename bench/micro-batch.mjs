// Which division into lanes and micro-batches is fastest? The evidence behind src/train/resources.ts.

import { defaultMemoryBytes, divide } from "../dist/train/resources.js";
import { architectureOf } from "../dist/vit/architecture.js";
import { temporaryFolder, writeRandomBackbone } from "./material.mjs";
import { interleave, ratio, spread, startOwn } from "./measure.mjs";
import { parseOptions } from "./options.mjs";
import { printTable, record, show } from "./report.mjs";

const options = parseOptions(process.argv.slice(2));
const { model = "vit_tiny_patch16_224", imageSize, batch, threads, rounds } = options;
const backbone = temporaryFolder();
writeRandomBackbone(model, backbone);
const architecture = { ...architectureOf(model), imageSize: [imageSize, imageSize] };
const demand = { architecture, batchSize: batch, threads, trainsBackbone: false, memoryBytes: defaultMemoryBytes };
const own = divide(demand);
const nameOf = ({ lanes, microBatch }) => `${lanes} x ${microBatch}`;

const divisions = new Map([[nameOf(own), { lanes: own.lanes, microBatch: own.microBatch }]]);
for (const lanes of [1, threads]) {
  for (const microBatch of [1, 2, 4, 8, 16, 32]) {
    if (lanes * microBatch <= batch) divisions.set(nameOf({ lanes, microBatch }), { lanes, microBatch });
  }
}

/** Speed of a new process, after one batch to warm up; all of them alive at once might not fit into memory. */
async function turn(division) {
  const process = await startOwn("./sas-process.mjs", { backbone, imageSize, batch, threads, division });
  await process.ask();
  const answers = [await process.ask(), await process.ask()];
  await process.close();
  const seconds = answers.reduce((sum, { ms }) => sum + ms / 1000, 0);
  return { speed: (batch * answers.length) / seconds, peakMiB: answers[1].peakMiB };
}

const turns = [...divisions].map(([name, division]) => [name, () => turn(division)]);
const found = await interleave(rounds, Object.fromEntries(turns));
const speedsOf = (name) => found[name].map(({ speed }) => speed);
const results = [...divisions].map(([name, division]) => ({
  ...division,
  imagesPerSecond: spread(speedsOf(name)),
  ofOwn: ratio(speedsOf(name), speedsOf(nameOf(own))),
  peakMiB: Math.max(...found[name].map(({ peakMiB }) => peakMiB)),
}));
record(options, { model, imageSize, batch, threads, rounds, own: divisions.get(nameOf(own)), results });
console.log(`${model} at ${imageSize} px; first what the engine takes`);
printTable(
  ["lanes x micro-batch", "images/s", "of the engine's", "peak MiB"],
  results.map((r) => [nameOf(r), show(r.imagesPerSecond, 1), show(r.ofOwn), r.peakMiB.toFixed()]),
);
