// Runs a comparison of suites.mjs, or goes on with it: what is in results/<name>/results.jsonl already is not run again.
//
//   node results/run.mjs NAME BACKBONE DATA RUNS [flags of sas-petl suite, as --dry-run]
//
// BACKBONE is a folder with vit_tiny_patch16_224 (augreg_in21k_ft_in1k), DATA holds vtab-1k/ and other/, RUNS takes the run
// folders. Interrupt it freely.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suites } from "./suites.mjs";

const [name, backbone, data, runs, ...flags] = process.argv.slice(2);
if (runs === undefined || !Object.hasOwn(suites, name)) {
  console.error(`usage: node results/run.mjs ${Object.keys(suites).join("|")} BACKBONE DATA RUNS`);
  process.exit(2);
}
const here = fileURLToPath(new URL(".", import.meta.url));
const [published, out] = [join(here, name), join(runs, name)];
for (const folder of [published, out]) mkdirSync(folder, { recursive: true });
const copy = (file, from, to) => existsSync(join(from, file)) && copyFileSync(join(from, file), join(to, file));
if (!existsSync(join(out, "results.jsonl"))) copy("results.jsonl", published, out);

// The interrupt is for the suite: it saves, and ends.
process.on("SIGINT", () => {});
for (const words of suites[name].commands(data)) {
  const network = words.includes("--backbone") ? [] : ["--backbone", backbone];
  const command = ["suite", ...words, ...network, "--out", out, ...flags];
  const { status } = spawnSync(process.execPath, [join(here, "../dist/cli/main.js"), ...command], { stdio: "inherit" });
  for (const file of readdirSync(out)) if (/\.(jsonl|svg)$/.test(file)) copy(file, out, published);
  if (status !== 0) process.exit(status ?? 1);
}
