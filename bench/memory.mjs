// Is the estimate of a training's memory right?
import { rmSync } from "node:fs";
import { join } from "node:path";
import { drawPhotos, temporaryFolder, writeRandomBackbone } from "./material.mjs";
import { progress, startOwn } from "./measure.mjs";
import { parseOptions } from "./options.mjs";
import { printTable, record } from "./report.mjs";

const options = parseOptions(process.argv.slice(2));
const { models, imageSize, batch, threads } = options;
const folder = temporaryFolder();
const data = join(folder, "data");
await drawPhotos(data, Math.ceil(1.25 * batch));

const methods = [
  { method: "sas" },
  { method: "lora", options: { rank: 8 } },
  { method: "vpt-deep", options: { prompts: 50 } },
  { method: "adapter", dropout: 0.1, ema: 0.99 },
  { method: "linear" },
  { method: "full" },
];
const rows = [];
for (const model of models) {
  const backbone = join(folder, model);
  writeRandomBackbone(model, backbone);
  for (const method of methods) {
    progress(`${model} ${method.method}`);
    const out = join(folder, "run");
    const given = { ...method, imageSize, batchSize: batch, threads, epochs: 1, valFraction: 0.2 };
    const process = await startOwn("./training-process.mjs", { ...given, backbone, data, out });
    const found = await process.ask();
    await process.close();
    rmSync(out, { recursive: true });
    const ratio = found.estimateMiB / found.peakMiB;
    record(options, { model, ...given, ...found, ratio });
    const { lanes, microBatch, estimateMiB, peakMiB } = found;
    const shown = [`${lanes} x ${microBatch}`, estimateMiB.toFixed(), peakMiB.toFixed(), ratio.toFixed(2)];
    rows.push([model, method.method, ...shown]);
  }
  rmSync(backbone, { recursive: true });
}
progress("");
printTable(["model", "method", "at", "estimate MiB", "peak MiB", "ratio"], rows);
