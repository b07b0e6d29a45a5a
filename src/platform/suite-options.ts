import type { Comparison } from "../suite/cell.js";
import type { TrainConfigInput } from "../train/config.js";
import type { Target } from "./suite-score.js";

/** The settings that all trials of a suite share. */
export type SuiteConfig = Omit<TrainConfigInput, "out" | "data" | "method" | "options" | "seed">;

/** A suite: what it compares, and how. */
export interface SuiteOptions extends Comparison {
  /** Name of the suite, for its records. */
  readonly suite: string;
  /** Folder of its results. */
  readonly out: string;
  readonly config: SuiteConfig;
  /** Train on training and validation images together once the settings are chosen. */
  readonly final?: boolean;
  /** What finished trials are scored on; default: each task's own test images. */
  readonly targets?: readonly Target[];
}
