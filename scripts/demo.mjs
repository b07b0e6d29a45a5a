// The first minutes with this project, without network and without data: npm run demo [-- --quick] [-- --out FOLDER]
//
// Over sas-mini, the small Vision Transformer that comes with this repository (models/sas-mini), a linear head and SaS are
// trained on a task that is drawn: how many shapes are there, 1 to 6? Both get the same pictures and the same number of
// epochs, and each the learning rates that were best on validation pictures, chosen once (results/demo).
// What is printed is the accuracy on the test pictures after the last epoch.
//
// --quick makes everything tiny: it shows that all parts work, its accuracies mean nothing.
import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { lockFolder } from "../dist/platform/lock.js";
import { train } from "../dist/platform/node.js";
import { hasLiveLine, print, showLive, tell } from "../dist/platform/terminal.js";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const backbone = "sas-mini";
const full = { data: "drawn:count:train=1500:val=500:test=1000", imageSize: 64, epochs: 10 };
const quick = { data: "drawn:count:train=24:val=12:test=12:size=16", imageSize: 16, epochs: 1 };
const methods = [
  { method: "linear", headLr: 5e-3 },
  { method: "sas", lr: 1e-2, headLr: 1e-2 },
];

/** Trains, with a live line where there is a terminal, and gives the last event of the run. */
async function trainVisibly(config) {
  tell(`Training ${config.method}: how many shapes are there, 1 to 6? …`);
  const done = await train(config, {
    onWarning: (text) => tell(`warning: ${text}`),
    onEvent(event) {
      if (event.event !== "epoch") return;
      const line = `  epoch ${event.epoch}/${config.epochs}: ${percent(event.val.top1)} right on validation pictures`;
      if (hasLiveLine()) showLive(line);
      else if (event.epoch === config.epochs) tell(line);
    },
  });
  showLive("");
  return done;
}

const percent = (fraction) => `${(100 * fraction).toFixed(1)} %`;
const thousands = (count) => count.toLocaleString("en-US");

async function main() {
  const { values } = parseArgs({ options: { quick: { type: "boolean" }, out: { type: "string" } } });
  // Relative to the project, so that what is printed and stored is the same everywhere.
  const out = relative(root, values.out ? resolve(values.out) : join(root, "runs", "demo")) || ".";
  process.chdir(root);
  const place = (...names) => join(out, ...names);
  mkdirSync(out, { recursive: true });
  const lock = await lockFolder(out);
  try {
    await compare(place, values.quick ? quick : full);
  } finally {
    await lock.release();
  }
}

/** Trains with each method, and prints what came of it. */
async function compare(place, settings) {
  for (const part of [...methods.map(({ method }) => method), "summary.json"]) {
    rmSync(place(part), { recursive: true, force: true });
  }

  const begun = performance.now();
  const results = [];
  let frozen = 0;
  for (const config of methods) {
    const started = performance.now();
    const done = await trainVisibly({ ...settings, ...config, backbone, out: place(config.method) });
    const adapter = place(config.method, "adapter.safetensors");
    frozen = done.total - done.trainable;
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

  print(`\nCounting shapes over ${thousands(frozen)} frozen parameters, accuracy on test pictures:\n`);
  for (const { method, top1, trainable, share, bytes, seconds } of results) {
    print(
      `  ${method.padEnd(6)} ${percent(top1).padStart(7)}   ${thousands(trainable).padStart(5)} parameters + head (${(100 * share).toFixed(3)} %)` +
        `   adapter ${(bytes / 1000).toFixed(1)} kB   ${seconds.toFixed(0)} s`,
    );
  }
  const took = ((performance.now() - begun) / 1000).toFixed(0);
  print(`\nDone in ${took} s. Curves, confusions, worst mistakes: ${place("sas", "report.html")}`);
  print("What to try next:\n");
  for (const line of [
    `inspect ${place("sas")}`,
    `evaluate --run ${place("sas")} --data drawn:count:seed=7`,
    `train --backbone ${backbone} --data YOUR/FOLDER --epochs 20 --out runs/mine`,
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
