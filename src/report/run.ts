import type { Account } from "../adapter/account.js";
import type { Split } from "../data/dataset.js";
import type { Metrics } from "../evaluate/metrics.js";
import type { ImagePrediction } from "../evaluate/predictions.js";
import type { TrainConfig } from "../train/config.js";
import type { DoneEvent, EpochEvent, StepEvent } from "../train/events.js";

/** A line of a run's metrics: an update or an epoch. */
export type MetricsLine = Omit<StepEvent, "imagesPerSecond"> | Omit<EpochEvent, "imagesPerSecond">;

/** Everything a report of a run is made from. What is not known yet, or not any more, is null or empty. */
export interface Run {
  readonly name: string;
  readonly config: TrainConfig;
  /** Versions, digests and the division of the work, by name. */
  readonly facts: Readonly<Record<string, string | number>>;
  readonly account: Account | null;
  /** Trained tensors with their shapes. */
  readonly tensors: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** Names of the classes, in the head's order. */
  readonly classes: readonly string[];
  /** Number of images of each split; null where it is not known. */
  readonly images: Readonly<Record<Split, number>> | null;
  readonly lines: readonly MetricsLine[];
  readonly result: DoneEvent | null;
  /** Predictions of the images the report is about; of one split. */
  readonly predictions: readonly ImagePrediction[];
}

/** What the headline is about: the metrics of the first of test, val that the run has, and how many images they are of. */
export function headlineOf({ result, lines, images }: Run): {
  readonly split: "test" | "val";
  readonly metrics: Metrics;
  readonly count: number | null;
} | null {
  const latest = lines.findLast((line) => line.event === "epoch");
  const val = result?.val ?? latest?.val ?? null;
  if (result?.test) return { split: "test", metrics: result.test, count: images?.test ?? null };
  return val && { split: "val", metrics: val, count: images?.val ?? null };
}

/** What a split is called in a sentence. */
export const splitWords = { train: "training", val: "validation", test: "test" } as const satisfies Record<
  Split,
  string
>;

/** A name that is not ours, cut to a length that can be read. */
export const shortName = (name: string, length = 60): string =>
  name.length <= length ? name : `${name.slice(0, length / 2)}…${name.slice(-length / 2 + 1)}`;

/** The name of a class, or its number where it has none. */
export const className = ({ classes }: Pick<Run, "classes">, index: number): string =>
  shortName(classes[index] ?? String(index));
