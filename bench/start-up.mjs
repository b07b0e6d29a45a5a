// How long until the help is printed, and until the first micro-batch begins?
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { drawPhotos, temporaryFolder, writeRandomBackbone } from "./material.mjs";
import { interleave, progress, spread } from "./measure.mjs";
import { parseOptions } from "./options.mjs";
import { printTable, record, show } from "./report.mjs";

const options = parseOptions(process.argv.slice(2));
const { model = "vit_base_patch16_224", imageSize, batch, threads, rounds } = options;
const main = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
const hook = new URL("./first-run.mjs", import.meta.url).href;
const folder = temporaryFolder();
const [backbone, data] = [join(folder, "backbone"), join(folder, "data")];
// The command keeps hashes of backbones: here, not among the user's.
const env = { ...process.env, XDG_CACHE_HOME: join(folder, "cache"), LOCALAPPDATA: join(folder, "cache") };

/** Milliseconds from the start of a process to its end. */
async function timeCommand(...words) {
  const began = performance.now();
  const child = spawn(process.execPath, words, { stdio: ["ignore", "ignore", "inherit"] });
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`node ${words.join(" ")} ended with ${code}`);
  return performance.now() - began;
}

/** Milliseconds from the start of `train` to the beginning of the first micro-batch; then it is ended. */
let runs = 0;
async function timeTraining() {
  const out = join(folder, `run-${runs++}`);
  const flags = [
    "--method",
    "sas",
    "--epochs",
    "1",
    "--image-size",
    imageSize,
    "--batch-size",
    batch,
    "--threads",
    threads,
  ];
  const words = ["train", "--backbone", backbone, "--data", data, ...flags, "--out", out, "--json"].map(String);
  const began = performance.now();
  const child = spawn(process.execPath, ["--import", hook, main, ...words], {
    env,
    stdio: ["ignore", "ignore", "inherit", "pipe"],
  });
  const ended = once(child, "exit");
  const signal = await Promise.race([once(child.stdio[3], "data"), ended.then(() => undefined)]);
  const ms = performance.now() - began;
  if (signal === undefined) throw new Error("train ended before the first micro-batch");
  child.kill("SIGKILL");
  await ended;
  return ms;
}

await timeCommand(main, "--help");
const brief = await interleave(2 * rounds, {
  node: () => timeCommand("--eval", ""),
  help: () => timeCommand(main, "--help"),
});
progress("drawing images");
writeRandomBackbone(model, backbone);
await drawPhotos(data, Math.max(2 * batch, 10));
progress("the first training, which hashes the backbone");
const firstMs = await timeTraining();
const { train } = await interleave(rounds, { train: timeTraining });

const result = { model, imageSize, batch, threads, rounds, firstMs };
record(options, { ...result, nodeMs: spread(brief.node), helpMs: spread(brief.help), trainMs: spread(train) });
printTable(
  ["from the start of the process", "ms"],
  [
    ["to the end of an empty program, node --eval", show(spread(brief.node), 0)],
    ["to the end of --help", show(spread(brief.help), 0)],
    [`to the first micro-batch of ${model}, hash not yet known`, firstMs.toFixed()],
    [`to the first micro-batch of ${model}`, show(spread(train), 0)],
  ],
);
