import { appendFile, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { MetricsLine } from "../report/run.js";
import { type BoardEvent, eventOf, eventRecord, firstEvent, recordLength, scalarsOf } from "../report/tensorboard.js";
import { explainFailure } from "./files.js";
import { runFiles } from "./run-folder.js";

/** The event file of a run, for TensorBoard. */
export interface EventFile {
  append(line: MetricsLine): Promise<void>;
  /** Adds what is known only at the end. */
  finish(scores: Readonly<Record<string, Readonly<Record<string, number>> | null>>): Promise<void>;
}

/** What the file begins with: its version, then the configuration as text. */
const headCount = 2;

/**
 * The event file in a run folder, brought to the state of `metrics.jsonl`: behind its head, each of its records belongs
 * to one line there. What is beyond (a run that goes on from a checkpoint) or damaged is cut off, what is missing is
 * added; so no step is there twice.
 * @param text what is to be shown as the configuration, in Markdown
 */
export async function openEventFile(folder: string, stepsPerEpoch: number, text: string): Promise<EventFile> {
  const path = join(folder, runFiles.events);
  const now = (): number => Date.now() / 1000;
  const metrics = await readFile(join(folder, runFiles.metrics), "utf8").catch(() => "");
  const lines = metrics
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as MetricsLine);
  let last = lines.findLast((line) => line.event === "epoch")?.epoch ?? 0;
  const wanted: readonly BoardEvent[] = [
    firstEvent(now()),
    { time: now(), step: 0, texts: { config: text } },
    ...lines.map((line) => eventOf(line, stepsPerEpoch, now())),
  ];
  const write = async (task: Promise<void>): Promise<void> =>
    task.catch((error) => {
      throw explainFailure(error, path, "write");
    });
  const stored = await readFile(path).catch(() => new Uint8Array());
  let [length, count] = [0, 0];
  for (let next = recordLength(stored, 0); next > 0 && count < wanted.length; next = recordLength(stored, length)) {
    length += next;
    count++;
  }
  if (count < headCount) [length, count] = [0, 0];
  if (length === 0) await write(writeFile(path, ""));
  else if (length < stored.length) await write(truncate(path, length));
  const missing = wanted.slice(count).map(eventRecord);
  if (missing.length > 0) await write(appendFile(path, Buffer.concat(missing)));
  const add = (event: BoardEvent): Promise<void> => write(appendFile(path, eventRecord(event)));
  return {
    async append(line) {
      last = line.event === "epoch" ? line.epoch : last;
      await add(eventOf(line, stepsPerEpoch, now()));
    },
    async finish(scores) {
      const found = Object.entries(scores).flatMap(([split, metrics]) => (metrics ? [scalarsOf(split, metrics)] : []));
      if (found.length > 0)
        await add({ time: now(), step: last * stepsPerEpoch, scalars: Object.assign({}, ...found) });
    },
  };
}
