// Does SaS learn what a linear head cannot? ViT-Ti on EuroSAT and sign digits: rates chosen on val200 with seed 0, then
// three seeds, the test set scored once per run, after the last epoch.
//
//   node results/it-learns.mjs BACKBONE DATA_ROOT RUNS
//
// BACKBONE is the folder of vit_tiny_patch16_224 (augreg_in21k_ft_in1k), DATA_ROOT holds vtab-1k/eurosat and
// other/sign-digits in the layout of VTAB-1k, RUNS takes the run folders. Interrupt it freely: the same command goes on.
// Writes it-learns.jsonl (one line per run) and it-learns.md beside itself.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const [backbone, dataRoot, runs] = process.argv.slice(2);
if (!runs) {
  console.error("usage: node results/it-learns.mjs BACKBONE DATA_ROOT RUNS");
  process.exit(2);
}
const here = fileURLToPath(new URL(".", import.meta.url));
const command = join(here, "../dist/cli/main.js");
const tasks = { eurosat: "vtab-1k/eurosat", "sign-digits": "other/sign-digits" };
const common = ["--epochs", "10", "--batch-size", "32", "--image-size", "96"];
const grids = {
  linear: ["1e-3", "3e-3", "1e-2", "3e-2"].map((rate) => ["--head-lr", rate]),
  sas: ["5e-3", "1e-2", "2e-2"].map((rate) => ["--lr", rate, "--head-lr", "1e-3"]),
};
mkdirSync(runs, { recursive: true });

function train(task, method, rates, seed) {
  const name = [task, method, ...rates.filter((word) => !word.startsWith("--")), seed].join("_");
  const flags = ["train", "--method", method, ...rates, ...common, "--seed", String(seed)];
  const places = ["--backbone", backbone, "--data", join(dataRoot, tasks[task]), "--out", join(runs, name)];
  const { status, stderr } = spawnSync(process.execPath, [command, ...flags, ...places, "--resume"], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}`);
  const { adapter, ...result } = JSON.parse(readFileSync(join(runs, name, "result.json"), "utf8"));
  console.log(name, "val", result.val.top1, "test", result.test.top1);
  return { task, command: `sas-petl ${flags.join(" ")}`, ...result, adapter: basename(adapter) };
}

const lines = [];
for (const task of Object.keys(tasks)) {
  for (const [method, grid] of Object.entries(grids)) {
    const search = grid.map((rates) => ({ rates, result: train(task, method, rates, 0) }));
    for (const { result } of search) lines.push({ role: "search", ...result });
    const { rates } = search.reduce((a, b) => (b.result.val.top1 > a.result.val.top1 ? b : a));
    for (const seed of [0, 1, 2]) lines.push({ role: "result", ...train(task, method, rates, seed) });
  }
}

const percent = (x) => (100 * x).toFixed(1);
const mean = (xs) => xs.reduce((a, b) => a + b, 0) / xs.length;
const deviation = (xs) => Math.sqrt(xs.reduce((sum, x) => sum + (x - mean(xs)) ** 2, 0) / (xs.length - 1));
const rows = Object.keys(tasks).flatMap((task) =>
  Object.keys(grids).map((method) => {
    const own = lines.filter((line) => line.role === "result" && line.task === task && line.method === method);
    const tests = own.map(({ test }) => test.top1);
    const rate = own[0].command.match(method === "sas" ? /--lr (\S+)/ : /--head-lr (\S+)/)[1];
    const isLast = grids[method].at(-1).includes(rate) ? " (end of the grid)" : "";
    return `| ${task} | ${method} | ${own[0].trainable.toLocaleString("en-US")} | ${rate}${isLast} | ${percent(mean(tests))} ± ${percent(deviation(tests))} | ${tests.map(percent).join(", ")} |`;
  }),
);
const { engine, version } = lines[0];
const text = `# Does it learn?

Test top-1 in percent after the last epoch, mean ± standard deviation over three seeds; nothing was chosen on the test
set. The rate (of the adapter for \`sas\`, of the head for \`linear\`) was chosen on val200 with seed 0 from the grid in
\`it-learns.mjs\`. ViT-Ti/16 (augreg_in21k_ft_in1k), 96 px, 10 epochs, batches of 32, trained on train800.

| task | method | trained parameters | rate | test top-1 | seeds 0, 1, 2 |
|---|---|---|---|---|---|
${rows.join("\n")}

\`node results/it-learns.mjs BACKBONE DATA_ROOT RUNS\`; every run with its command is a line of \`it-learns.jsonl\`
(sas-petl ${version}, ${engine}, Node ${process.version}, ${cpus()[0].model}, ${cpus().length} cores).
`;
const write = (name, content) => {
  writeFileSync(join(here, `${name}.new`), content);
  renameSync(join(here, `${name}.new`), join(here, name));
};
write("it-learns.jsonl", `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`);
write("it-learns.md", text);
console.log(text);
