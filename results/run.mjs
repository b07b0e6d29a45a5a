// Runs a comparison of suites.mjs, or goes on with it: no trial that any file here holds already is run again.
//
//   node results/run.mjs NAME BACKBONE DATA RUNS [flags of sas-petl suite, as --dry-run]
//
// BACKBONE is a folder with vit_tiny_patch16_224 (augreg_in21k_ft_in1k), DATA holds vtab-1k/ and other/, RUNS takes the run
// folders. Interrupt it freely.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fileOf, isScored, published, readLines, writeLines } from "./lines.mjs";
import { suites, wordsOf } from "./suites.mjs";

const [name, backbone, data, runs, ...flags] = process.argv.slice(2);
if (runs === undefined || !Object.hasOwn(suites, name)) {
  console.error(
    `usage: node results/run.mjs ${Object.keys(suites).join("|")} BACKBONE DATA RUNS [flags of sas-petl suite]`,
  );
  process.exit(2);
}
const own = join(runs, name, "results.jsonl");
const everywhere = new Map(published().flatMap((folder) => [...readLines(fileOf(folder))]));
writeLines(own, new Map([...everywhere, ...readLines(own)]));

// The interrupt is for the suite: it saves, and ends.
process.on("SIGINT", () => {});
const command = ["suite", ...wordsOf(suites[name], data, backbone), "--out", join(runs, name), ...flags];
const program = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
const { status, error } = spawnSync(process.execPath, [program, ...command], { stdio: "inherit" });
if (error) throw error;
if (flags.includes("--dry-run")) process.exit(status ?? 1);

// A line of another folder stays there; it is replaced where only now its test images were scored.
const mine = readLines(own);
const known = new Set();
for (const folder of published().filter((folder) => folder !== name)) {
  const theirs = readLines(fileOf(folder));
  const scored = [...theirs].filter(([trial, line]) => !isScored(line) && isScored(mine.get(trial)));
  if (scored.length > 0)
    writeLines(fileOf(folder), new Map([...theirs, ...scored.map(([trial]) => [trial, mine.get(trial)])]));
  for (const trial of theirs.keys()) known.add(trial);
}
const left = new Map([...mine].filter(([trial]) => !known.has(trial)));
if (left.size > 0) writeLines(fileOf(name), left);
process.exit(status ?? 1);
