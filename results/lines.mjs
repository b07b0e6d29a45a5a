// The published lines: every results.jsonl below this folder.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { hasDiverged, isFinished, parseResults, printResults } from "../dist/suite/result.js";

const here = fileURLToPath(new URL(".", import.meta.url));

/** Names of the folders with lines. */
export const published = () => readdirSync(here).filter((name) => existsSync(fileOf(name)));

export const fileOf = (name) => join(here, name, "results.jsonl");

/** Lines of trials that ended well or diverged, by the name of the trial; none where there is no file. */
export function readLines(path) {
  const lines = existsSync(path) ? parseResults(readFileSync(path, "utf8"), path) : new Map();
  return new Map([...lines].filter(([, line]) => isFinished(line) || hasDiverged(line)));
}

/** Whether its test images were looked at; those of a search are not. */
export const isScored = (line) => Object.keys(line?.scores ?? {}).length > 0;

export function write(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

export const writeLines = (path, lines) => write(path, printResults(lines.values()));
