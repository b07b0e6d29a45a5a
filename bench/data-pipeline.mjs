// Do image files keep up with a batch in memory? The product's loop over its loader, and over one batch again and again.
import { join } from "node:path";
import { directResize } from "../dist/data/transform.js";
import { openCheckedData, openLoaders } from "../dist/platform/splits.js";
import { drawPhotos, temporaryFolder, writeRandomBackbone } from "./material.mjs";
import { interleave, progress, ratio, spread } from "./measure.mjs";
import { parseOptions } from "./options.mjs";
import { printTable, record, show } from "./report.mjs";
import { nextEvent, openTraining, repeatBatch } from "./training.mjs";

const options = parseOptions(process.argv.slice(2));
const { model = "vit_tiny_patch16_224", imageSize, batch, threads, rounds, images, epochs } = options;
const folder = temporaryFolder();
const backbone = join(folder, "backbone");
progress("drawing images");
writeRandomBackbone(model, backbone);
await drawPhotos(join(folder, "data"), images);
const data = await openCheckedData({ data: join(folder, "data"), seed: 0, skipUnreadable: false, onWarning() {} });
const training = await openTraining({ backbone, imageSize, batch, threads, epochs });
const loaders = {
  memory: () => repeatBatch({ count: images, imageSize, batch }),
  files: () => openLoaders(data, { train: directResize(imageSize) }, { seed: 0, batchSize: batch }).train,
};

/** Images per second of the next epoch; its first asks for a new loop, its last gives the loop up. */
const loops = {};
async function turn(side, epoch) {
  if (epoch === 1) loops[side] = await training.start(loaders[side]());
  const began = performance.now();
  await nextEvent(loops[side], "epoch");
  const seconds = (performance.now() - began) / 1000;
  await nextEvent(loops[side], "checkpoint");
  if (epoch === epochs) await loops[side].return();
  return images / seconds;
}

const turns = Array.from({ length: epochs }, (_, i) => i + 1).flatMap((epoch) =>
  ["memory", "files"].map((side) => [`${side} ${epoch}`, () => turn(side, epoch)]),
);
const found = await interleave(rounds, Object.fromEntries(turns));
await training.close();

const results = Array.from({ length: epochs }, (_, i) => {
  const [files, memory] = [found[`files ${i + 1}`], found[`memory ${i + 1}`]];
  return { epoch: i + 1, files: spread(files), memory: spread(memory), ratio: ratio(files, memory) };
});
record(options, { model, imageSize, batch, threads, rounds, images, results });
console.log(`${model} at ${imageSize} px, ${images} JPEG files of 500 x 375`);
printTable(
  ["epoch", "files images/s", "memory images/s", "files / memory"],
  results.map((r) => [r.epoch, show(r.files, 1), show(r.memory, 1), show(r.ratio)]),
);
