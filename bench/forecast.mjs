// Is the time that `train --dry-run` tells right? Forecast and training take turns, each in a process of its own.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { drawPhotos, temporaryFolder, writeRandomBackbone } from "./material.mjs";
import { interleave, progress, ratio, spread, startOwn } from "./measure.mjs";
import { parseOptions } from "./options.mjs";
import { printTable, record, show } from "./report.mjs";

const options = parseOptions(process.argv.slice(2));
const { imageSize, batch, threads, rounds, images, epochs } = options;
const folder = temporaryFolder();
const [data, out] = [join(folder, "data"), join(folder, "run")];
progress("drawing images");
await drawPhotos(data, images);

const trainings = [
  { model: "vit_tiny_patch16_224", method: "sas", imageSize, batchSize: batch },
  { model: "vit_small_patch16_224", method: "lora", imageSize, batchSize: batch },
  {
    model: "vit_sas_mini_patch8_64",
    method: "full",
    init: "random",
    optimizer: "muon",
    imageSize: 48,
    transform: "decode|random-resized-crop(48,0.3)|flip",
    // Of so small a network as many images that an epoch is more than its first and last moments.
    data: `drawn:count:train=${8 * images}:val=200:test=0:size=64`,
    batchSize: 4 * batch,
  },
];
const rows = [];
for (const { model, ...method } of trainings) {
  const backbone = method.init ? model : join(folder, model);
  if (!method.init) writeRandomBackbone(model, backbone);
  const shown = method.data ? {} : { data, valFraction: 0.2 };
  const config = { ...method, ...shown, backbone, out, threads, epochs: Math.max(2, epochs) };
  const ask = async (isForecast) => {
    const process = await startOwn("./training-process.mjs", { ...config, isForecast });
    const found = await process.ask();
    await process.close();
    rmSync(out, { recursive: true, force: true });
    return found;
  };
  const found = await interleave(rounds, { told: () => ask(true), took: () => ask(false) });
  const of = (side, key) => found[side].map((one) => one[key]);
  const compare = (key) => [spread(of("told", key)), spread(of("took", key)), ratio(of("told", key), of("took", key))];
  const [epoch, whole] = [compare("secondsPerEpoch"), compare("seconds")];
  record(options, { model, ...method, threads, rounds, images, epochs: config.epochs, epoch, whole });
  rows.push([model, method.method, ...epoch.map((one) => show(one)), ...whole.map((one) => show(one))]);
}
const times = ["told", "took", "told / took"];
printTable(["model", "method", ...times.map((t) => `epoch ${t}`), ...times.map((t) => `all ${t}`)], rows);
