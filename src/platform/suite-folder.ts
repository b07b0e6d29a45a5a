import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { parseResults, printResults, type ResultLine } from "../suite/result.js";
import { codeOf, explainFailure, makeFolder, writeAtomically } from "./files.js";
import { type FolderLock, lockFolder } from "./lock.js";
import { runFiles } from "./run-folder.js";

/** Names of the files in a suite's folder. */
export const suiteFiles = { results: "results.jsonl", trials: "trials", report: "report.html" } as const;

/** Run folder of a trial in a suite's folder. */
export const trialFolder = (out: string, trial: string): string => join(out, suiteFiles.trials, trial);

/** A suite's folder, held by this process. */
export interface SuiteFolder {
  /** Lines of all trials, by name; those of other suites with the same folder too. */
  readonly results: ReadonlyMap<string, ResultLine>;
  /** Run folder of a trial. */
  runOf(trial: string): string;
  /** Adds a line or puts it in the place of the trial's earlier one. */
  record(line: ResultLine): Promise<void>;
  /** Removes what a finished trial needs no more. */
  tidy(trial: string): Promise<void>;
  release(): Promise<void>;
}

/**
 * The results of a suite's folder; none where there is no such folder.
 * @throws FormatError where its results are damaged
 */
export async function readResults(out: string): Promise<Map<string, ResultLine>> {
  const file = join(out, suiteFiles.results);
  const text = await readFile(file, "utf8").catch((error) => {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error))) return "";
    throw explainFailure(error, file, "read");
  });
  return parseResults(text, file);
}

/**
 * The folder of a suite, made where it is not there.
 * @throws ConfigError where another process uses it
 */
export async function openSuiteFolder(out: string): Promise<SuiteFolder> {
  await makeFolder(join(out, suiteFiles.trials), out);
  const lock: FolderLock = await lockFolder(out);
  try {
    const results = await readResults(out);
    const runOf = (trial: string): string => trialFolder(out, trial);
    return {
      results,
      runOf,
      async record(line) {
        results.set(line.trial, line);
        await writeAtomically(join(out, suiteFiles.results), printResults(results.values()));
      },
      // Parameters, optimizer state and best parameters once more: of a large network most of the disk.
      tidy: (trial) => rm(join(runOf(trial), runFiles.checkpoint), { force: true }),
      release: () => lock.release(),
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}
