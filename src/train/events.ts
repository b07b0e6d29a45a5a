import type { Account } from "../adapter/account.js";
import type { Metrics } from "../evaluate/metrics.js";

/** The epoch that did best on validation images, and what it scores. */
export interface BestEpoch<M = Metrics> {
  readonly epoch: number;
  readonly val: M;
  /** Scored once, after the choice. */
  readonly test: M | null;
}

/** Training begins, or goes on: `epoch` epochs and `step` updates of the next one are already done. */
export interface LoopStart {
  readonly event: "start";
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  readonly batchSize: number;
  readonly microBatch: number;
  readonly images: { readonly train: number; readonly val: number; readonly test: number };
  readonly resumed: { readonly epoch: number; readonly step: number } | null;
}

/** The same with what is trained. */
export interface StartEvent extends LoopStart, Account {
  /** Estimate of the memory the training takes. */
  readonly memoryBytes: number;
  readonly method: string;
}

/** One update is done. `epoch` and `step` count from 1. */
export interface StepEvent {
  readonly event: "step";
  readonly epoch: number;
  readonly step: number;
  /** Mean loss over the batch before the update. */
  readonly loss: number;
  /** Share of the epoch's images so far that were classified rightly, each before its update; of mixed ones by their shares. */
  readonly top1: number;
  readonly lr: number;
  /** Norm of the whole gradient before clipping. */
  readonly gradientNorm: number;
  /** Training images per second of this process so far, evaluation left out. */
  readonly imagesPerSecond: number;
}

/** One epoch is done; `val` is null where there are no validation images. */
export interface EpochEvent {
  readonly event: "epoch";
  readonly epoch: number;
  readonly train: { readonly loss: number; readonly top1: number };
  readonly val: Metrics | null;
  /** True where no earlier epoch did as well on the validation images. */
  readonly isBest: boolean;
  readonly imagesPerSecond: number;
}

/** The state up to here is on disk. */
export interface CheckpointEvent {
  readonly event: "checkpoint";
  readonly epoch: number;
  readonly step: number;
}

/** The last line of a run and its `result.json`: where the command has ended, everything it found. */
export interface DoneEvent extends Account {
  readonly event: "done";
  readonly method: string;
  readonly val: Metrics | null;
  readonly test: Metrics | null;
  readonly best: BestEpoch | null;
  /** Fewer than asked for where patience ran out. */
  readonly epochsDone: number;
  readonly imagesPerSecond: number;
  /** Where the adapter lies. */
  readonly adapter: string;
  readonly [more: string]: unknown;
}

/** What the loop reports. */
export type LoopEvent = LoopStart | StepEvent | EpochEvent | CheckpointEvent;

/** A file of a backbone comes from the hub. */
export interface DownloadEvent {
  readonly event: "download";
  /** `owner/name`. */
  readonly backbone: string;
  readonly file: string;
  readonly receivedBytes: number;
  readonly totalBytes: number;
}

/** What a training reports to whoever watches: terminal, page, run folder. */
export type TrainEvent = DownloadEvent | StartEvent | StepEvent | EpochEvent | CheckpointEvent | DoneEvent;
