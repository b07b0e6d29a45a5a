// The first minutes with this project, without network and without data: npm run demo [-- --quick] [-- --out FOLDER]
//
// 1. A small Vision Transformer is made and pretrained here (method full, from random weights) on pictures that are drawn:
//    how a bar lies, and in which of eight columns a shape is.
// 2. On another task, how many shapes there are, a linear head and SaS are trained over it: the same 2000 pictures, the
//    same number of epochs. The learning rates were chosen once by accuracy on the validation pictures, 3e-3 of 1e-3 to
//    3e-2 for the linear head, 1e-2 of 5e-3 to 2e-2 for SaS (any of them leads to the same order, by some 20 points). What
//    is printed is the accuracy on the test pictures after the last epoch.
//
// --quick makes everything tiny: it shows that all parts work, its accuracies mean nothing.
import { rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { stream } from "../dist/data/random.js";
import { openBytes } from "../dist/platform/files.js";
import { decodeAdapter, train, writeBackbone } from "../dist/platform/node.js";
import { hasLiveLine, print, showLive, tell } from "../dist/platform/terminal.js";
import { customArchitecture } from "../dist/vit/architecture.js";
import { completeContract } from "../dist/vit/contract.js";
import { randomWeights } from "../dist/vit/random-weights.js";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const full = {
  network: { imageSize: [32, 32], patchSize: 8, width: 64, blocks: 4, heads: 4 },
  pretraining: { pictures: "train=3000:val=400:test=0:size=32:seed=1", epochs: 10, batchSize: 32, rate: 1e-3 },
  task: { name: "count", pictures: "train=2000:size=32", epochs: 20 },
};
const quick = {
  network: { imageSize: [16, 16], patchSize: 8, width: 16, blocks: 2, heads: 2 },
  pretraining: { pictures: "train=48:val=12:test=0:size=16:seed=1", epochs: 1, batchSize: 16, rate: 1e-3 },
  task: { name: "count", pictures: "train=24:val=12:test=12:size=16", epochs: 1 },
};
const methods = [
  { method: "linear", headLr: 3e-3 },
  { method: "sas", options: { rank: 2, embedding: 2 }, lr: 1e-2, headLr: 1e-2 },
];

/** Trains, with a live line where there is a terminal, and gives the last event of the run. */
async function trainVisibly(title, config) {
  tell(title);
  const accuracy = ({ train, val }) =>
    `${percent((val ?? train).top1)} right on ${val ? "validation" : "training"} pictures`;
  const done = await train(config, {
    onEvent(event) {
      if (event.event !== "epoch") return;
      const line = `  epoch ${event.epoch}/${config.epochs}: ${accuracy(event)}`;
      if (hasLiveLine()) showLive(line);
      else if (event.epoch === config.epochs) tell(line);
    },
  });
  showLive("");
  return done;
}

const percent = (fraction) => `${(100 * fraction).toFixed(1)} %`;
const thousands = (count) => count.toLocaleString("en-US");

/** Makes the small network and pretrains it; gives the number of its parameters. */
async function makeBackbone(folder, work, { network, pretraining }) {
  const architecture = customArchitecture(network);
  const { contract } = completeContract({ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] }, architecture.imageSize);
  const start = join(work, "start");
  const weights = randomWeights(architecture, (tensor) => stream(0, "weights", tensor).normal);
  await writeBackbone(start, { architecture, contract, weights });
  const out = join(work, "pretraining");
  const { pictures, epochs, batchSize, rate } = pretraining;
  const done = await trainVisibly(
    "Making a small Vision Transformer and pretraining it on drawn pictures (half a minute) …",
    {
      backbone: start,
      data: `drawn:orientation+x-position:${pictures}`,
      out,
      method: "full",
      init: "random",
      epochs,
      batchSize,
      lr: rate,
      headLr: rate,
      weightDecay: 0.01,
    },
  );
  const file = await openBytes(join(out, "adapter.safetensors"));
  const { tensors } = await decodeAdapter(file).finally(() => file.close());
  const trained = new Map(Object.entries(tensors).filter(([name]) => !name.startsWith("head.")));
  await writeBackbone(folder, { architecture, contract, weights: trained });
  return done.total;
}

async function main() {
  const { values } = parseArgs({ options: { quick: { type: "boolean" }, out: { type: "string" } } });
  const settings = values.quick ? quick : full;
  // Relative to the project, so that what is printed and stored is the same everywhere.
  const out = relative(root, values.out ? resolve(values.out) : join(root, "runs", "demo")) || ".";
  process.chdir(root);
  const place = (...names) => join(out, ...names);
  const parts = ["start", "pretraining", "backbone", ...methods.map(({ method }) => method), "summary.json"];
  for (const part of parts) rmSync(place(part), { recursive: true, force: true });

  const begun = performance.now();
  const backbone = place("backbone");
  const total = await makeBackbone(backbone, out, settings);
  const { name, pictures, epochs } = settings.task;
  const data = `drawn:${name}:${pictures}`;
  const results = [];
  for (const config of methods) {
    const started = performance.now();
    const title = `Training ${config.method} on another task: how many shapes are there, 1 to 6? …`;
    const done = await trainVisibly(title, { ...config, backbone, data, out: place(config.method), epochs });
    const adapter = place(config.method, "adapter.safetensors");
    results.push({
      method: config.method,
      top1: done.test.top1,
      trainable: done.trainable,
      share: done.share,
      adapter,
      bytes: statSync(adapter).size,
      seconds: Math.round((performance.now() - started) / 100) / 10,
    });
  }
  writeFileSync(place("summary.json"), `${JSON.stringify({ methods: results }, null, 2)}\n`);

  print(`\nCounting shapes over a frozen network of ${thousands(total)} parameters, accuracy on test pictures:\n`);
  for (const { method, top1, trainable, share, bytes, seconds } of results) {
    print(
      `  ${method.padEnd(6)} ${percent(top1).padStart(7)}   ${thousands(trainable).padStart(5)} trained parameters + head (${(100 * share).toFixed(2)} %)` +
        `   adapter ${(bytes / 1000).toFixed(1)} kB   ${seconds.toFixed(0)} s`,
    );
  }
  print(
    `\nDone in ${((performance.now() - begun) / 1000).toFixed(0)} s; everything is in ${out}. Of this small network even a tiny`,
  );
  print("adapter is a visible share; of a ViT-B/16, SaS trains 0.043 %. What to try next:\n");
  for (const line of [
    `inspect ${place("sas")}`,
    `evaluate --run ${place("sas")} --backbone ${backbone} --data drawn:${name}:size=32:seed=7`,
    `train --backbone ${backbone} --data YOUR/FOLDER --lr 1e-2 --epochs 20 --out runs/mine`,
  ]) {
    print(`  npx sas-petl ${line}`);
  }
}

process.once("SIGINT", () => process.exit(130));
main().catch((error) => {
  showLive("");
  tell(`error: ${error instanceof Error ? error.message : error}`);
  process.exitCode = error?.code?.startsWith?.("ERR_PARSE_ARGS") ? 2 : 1;
});
