// Runs a comparison of suites.mjs, or goes on with it: no trial that any file here holds already is run again.
//
//   node results/run.mjs NAME BACKBONE DATA RUNS [flags of sas-petl suite, as --dry-run]
//
// BACKBONE is a folder with vit_tiny_patch16_224 (augreg_in21k_ft_in1k), DATA holds vtab-1k/ and other/, RUNS takes the run
// folders. Interrupt it freely.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseResults, printResults } from "../dist/suite/result.js";
import { suites, wordsOf } from "./suites.mjs";

const [name, backbone, data, runs, ...flags] = process.argv.slice(2);
if (runs === undefined || !Object.hasOwn(suites, name)) {
  console.error(`usage: node results/run.mjs ${Object.keys(suites).join("|")} BACKBONE DATA RUNS`);
  process.exit(2);
}
const here = fileURLToPath(new URL(".", import.meta.url));
const fileOf = (suite) => join(here, suite, "results.jsonl");
const own = join(runs, name, "results.jsonl");
const read = (path) => (existsSync(path) ? parseResults(readFileSync(path, "utf8"), path) : new Map());
function write(path, lines) {
  writeFileSync(`${path}.new`, printResults(lines.values()));
  renameSync(`${path}.new`, path);
}

for (const folder of [join(here, name), join(runs, name)]) mkdirSync(folder, { recursive: true });
const others = new Map(Object.keys(suites).flatMap((suite) => (suite === name ? [] : [...read(fileOf(suite))])));
write(own, new Map([...others, ...read(fileOf(name)), ...read(own)]));

// The interrupt is for the suite: it saves, and ends.
process.on("SIGINT", () => {});
const command = ["suite", ...wordsOf(suites[name], data, backbone), "--out", join(runs, name), ...flags];
const { status } = spawnSync(process.execPath, [join(here, "../dist/cli/main.js"), ...command], { stdio: "inherit" });
write(fileOf(name), new Map([...read(own)].filter(([trial]) => !others.has(trial))));
process.exit(status ?? 1);
