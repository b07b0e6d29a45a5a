import type { Checkpoint } from "./checkpoint.js";

/** Where a run keeps what it must not lose; on a disk, or in a browser's storage. */
export interface RunStore {
  /**
   * The latest checkpoint, or undefined where there is none. Metrics written after it are taken back, so that no line
   * is there twice.
   */
  load(): Promise<Checkpoint | undefined>;
  /** Replaces the checkpoint; at every moment the old or the new one is there as a whole. */
  save(checkpoint: Checkpoint): Promise<void>;
  /** Appends one line to the metrics and returns their length in bytes. */
  append(line: string): Promise<number>;
}
