import { FormatError } from "../errors.js";
import type { Metrics } from "../evaluate/metrics.js";
import type { TrainConfig } from "../train/config.js";

/** What a trial scores on images it never saw. */
export interface Scores {
  /** Of what the run ends with: the last epoch, or with patience the best one. */
  readonly last: Metrics;
  /** After the epoch that was best on validation images; null where there are none. */
  readonly best: Metrics | null;
}

/** A line of `results.jsonl`: one trial with everything needed to repeat it, and what it found. */
export interface TrialLine {
  /** Name of the trial, see `nameTrial`. */
  readonly trial: string;
  readonly suite: string;
  readonly task: string;
  /** Label of the method. */
  readonly method: string;
  readonly seed: number;
  /** `result` where it stands in the table of its method's last comparison, `search` where it only helped to choose. */
  readonly role: "search" | "result";
  /** The keys that differ from the defaults. */
  readonly config: Partial<TrainConfig>;
  /** Options of the method, with nothing left to be decided. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly lr: number;
  readonly headLr: number;
  readonly trainable: number;
  readonly head: number;
  readonly total: number;
  readonly architecture: string;
  readonly val: Metrics | null;
  readonly bestEpoch: { readonly epoch: number; readonly val: Metrics } | null;
  /** By the name of what it was scored on, `test` or a target; empty until it is scored. */
  readonly scores: Readonly<Record<string, Scores>>;
  /** Digests of what it was scored on. */
  readonly targets: Readonly<Record<string, string>>;
  readonly images: { readonly train: number; readonly val: number; readonly test: number };
  readonly versions: Readonly<Record<string, string>>;
  /**
   * `task`: of the data set before a part is set aside for validation, as the trial's name has it; absent where it is `data`.
   * `data`: of the images as they were divided.
   */
  readonly digests: { readonly task?: string; readonly data: string; readonly backbone: string };
  readonly device: string;
  readonly threads: number;
  /** Training, without reading and scoring. */
  readonly seconds: number;
  /** From beginning to end, over all processes. */
  readonly wallSeconds: number;
}

/** A trial that ended with an error; it is tried again by the next call, unless it diverged. */
export interface FailedLine {
  readonly trial: string;
  readonly suite: string;
  readonly task: string;
  readonly method: string;
  readonly seed: number;
  readonly config: Partial<TrainConfig>;
  readonly error: string;
  /** Its loss left the numbers, as it would again. */
  readonly hasDiverged?: true;
  /** What was tried, where it diverged. */
  readonly lr?: number;
  readonly headLr?: number;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly architecture?: string;
}

/** A line of `results.jsonl`. */
export type ResultLine = TrialLine | FailedLine;

/** True for a trial that ended well. */
export const isFinished = (line: ResultLine | undefined): line is TrialLine => line !== undefined && !("error" in line);

/** What a trial is scored on, as far as its line tells. */
interface Scored {
  readonly name: string;
  readonly digest: string;
}

/** True for a trial whose loss left the numbers. */
export const hasDiverged = (line: ResultLine | undefined): line is FailedLine =>
  line !== undefined && "error" in line && line.hasDiverged === true;

/**
 * Whether nothing is left to do of a trial.
 * @param needed what it must be scored on; nothing where it only helps to choose
 */
export const isOver = (line: ResultLine | undefined, needed: readonly Scored[]): boolean =>
  hasDiverged(line) || (isFinished(line) && needed.every(({ name, digest }) => line.targets[name] === digest));

/**
 * The lines of a results file, by the name of their trial.
 * @param source name of the file, for messages
 * @throws FormatError naming the line that is no result
 */
export function parseResults(text: string, source: string): Map<string, ResultLine> {
  const lines = new Map<string, ResultLine>();
  text.split("\n").forEach((line, i) => {
    if (line.trim() === "") return;
    const value = parseLine(line);
    if (!value) {
      throw new FormatError(
        `${source}, line ${i + 1}: this is no result of a trial. Remove the line; its trial will run again.`,
      );
    }
    lines.set(value.trial, value);
  });
  return lines;
}

function parseLine(text: string): ResultLine | undefined {
  try {
    const value = JSON.parse(text) as Partial<TrialLine> | null;
    const isNamed =
      typeof value?.trial === "string" && typeof value.task === "string" && typeof value.method === "string";
    if (!isNamed || typeof value.seed !== "number") return undefined;
    const isResult = typeof value.scores === "object" && value.scores !== null && typeof value.lr === "number";
    return isResult || "error" in value ? (value as ResultLine) : undefined;
  } catch {
    return undefined;
  }
}

/** The text of a results file. */
export const printResults = (lines: Iterable<ResultLine>): string =>
  Array.from(lines, (line) => `${JSON.stringify(line)}\n`).join("");
