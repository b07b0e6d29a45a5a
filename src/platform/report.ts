import { basename, join, resolve } from "node:path";
import { ConfigError } from "../errors.js";
import { type ImagePrediction, parsePrediction } from "../evaluate/predictions.js";
import { worstMistakes } from "../report/mistakes.js";
import type { MetricsLine, Run } from "../report/run.js";
import { reportRun } from "../report/run-page.js";
import { openAdapter } from "./classifier.js";
import { openDataset } from "./datasets.js";
import { readIfThere, writeAtomically } from "./files.js";
import { type RunRecord, readResult, readRunRecord, runFiles } from "./run-folder.js";
import { thumbnailsOf } from "./thumbnails.js";

/** How a report is made. */
export interface ReportOptions {
  /** The file; default `report.html` in the run folder. */
  readonly out?: string | undefined;
  /** False leaves out the pictures of the worst mistakes. Default true. */
  readonly images?: boolean | undefined;
}

/**
 * Writes the report of a run, finished or still going, and returns where it lies.
 * @throws ConfigError where the folder holds no run
 * @throws FormatError where a file of the run is damaged
 */
export async function report(folder: string, { out, images = true }: ReportOptions = {}): Promise<string> {
  const record = await readRunRecord(folder);
  if (record === undefined)
    throw new ConfigError(`${folder}: this is no run folder. Pass the folder that train --out made.`);
  const run = await readRun(folder, record);
  const path = out ?? join(folder, runFiles.report);
  await writeAtomically(path, reportRun(run, images ? await picturesOf(record, run.predictions) : null));
  return path;
}

async function readRun(folder: string, { config, facts, task }: RunRecord): Promise<Run> {
  const result = (await readResult(folder)) ?? null;
  const adapter = result && (await openAdapter(folder));
  const classes = adapter?.classes ?? task?.classes ?? [];
  const predictions = result ? await readPredictions(join(folder, runFiles.predictions), classes.length) : [];
  const split = predictions.some((one) => one.split === "test") ? "test" : "val";
  return {
    name: basename(resolve(folder)),
    config,
    facts: { ...facts },
    account: result ?? task?.account ?? null,
    tensors: Object.entries(adapter?.tensors ?? {}).map(([name, { shape }]) => ({ name, shape })),
    classes,
    images: task?.images ?? null,
    lines: (await readLines(join(folder, runFiles.metrics))).flatMap(parseLine),
    result,
    predictions: predictions.filter((one) => one.split === split),
  };
}

/** The lines of a file that may not be there; of a last one that is still being written only what is there. */
async function readLines(path: string): Promise<readonly string[]> {
  return ((await readIfThere(path)) ?? "").split("\n").filter(Boolean);
}

function parseLine(line: string): readonly MetricsLine[] {
  try {
    const value = JSON.parse(line) as MetricsLine | null;
    return value?.event === "step" || value?.event === "epoch" ? [value] : [];
  } catch {
    return [];
  }
}

const readPredictions = async (path: string, classes: number): Promise<readonly ImagePrediction[]> =>
  (await readLines(path)).map((line, i) => parsePrediction(line, classes, `${path}: line ${i + 1}`));

/** Pictures of the worst mistakes; none where the data is not where it was. */
async function picturesOf(
  { config, places }: RunRecord,
  predictions: readonly ImagePrediction[],
): Promise<ReadonlyMap<string, string>> {
  const worst = worstMistakes(predictions);
  const [first] = worst;
  if (first === undefined) return new Map();
  const { final, seed, valFraction, shots } = config;
  const data = await openDataset(places.data, { final, seed, valFraction, shots }).catch(() => undefined);
  const examples = data?.splits[first.split];
  return examples
    ? thumbnailsOf(
        examples,
        worst.map(({ image }) => image),
      )
    : new Map();
}
