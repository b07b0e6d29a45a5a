// Runs a comparison of suites.mjs, or goes on with it: no trial that any file here holds already is run again.
//
//   node results/run.mjs NAME BACKBONE DATA RUNS [flags of sas-petl suite, as --dry-run]
//
// BACKBONE is a folder with vit_tiny_patch16_224 (augreg_in21k_ft_in1k), DATA holds vtab-1k/ and other/, RUNS takes the run
// folders. Interrupt it freely.
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { fileOf, published, readLines, writeLines } from "./lines.mjs";
import { suites, wordsOf } from "./suites.mjs";

const [name, backbone, data, runs, ...flags] = process.argv.slice(2);
if (runs === undefined || !Object.hasOwn(suites, name)) {
  console.error(`usage: node results/run.mjs ${Object.keys(suites).join("|")} BACKBONE DATA RUNS`);
  process.exit(2);
}
const own = join(runs, name, "results.jsonl");
for (const folder of [dirname(fileOf(name)), dirname(own)]) mkdirSync(folder, { recursive: true });
const others = new Map(published().flatMap((other) => (other === name ? [] : [...readLines(fileOf(other))])));
writeLines(own, new Map([...others, ...readLines(fileOf(name)), ...readLines(own)]));

// The interrupt is for the suite: it saves, and ends.
process.on("SIGINT", () => {});
const command = ["suite", ...wordsOf(suites[name], data, backbone), "--out", join(runs, name), ...flags];
const program = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
const { status } = spawnSync(process.execPath, [program, ...command], { stdio: "inherit" });
writeLines(fileOf(name), new Map([...readLines(own)].filter(([trial]) => !others.has(trial))));
process.exit(status ?? 1);
