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

/** Everything beside the configuration that decides a run's bits; a run goes on only where all of it is the same. */
export interface RunFacts {
  /** Of this package. */
  readonly version: string;
  /** Of ONNX Runtime. */
  readonly engine: string;
  readonly threads: number;
  readonly lanes: number;
  readonly microBatch: number;
  /** Hash over the backbone's tensors. */
  readonly backbone: string;
  /** Digest of the data set. */
  readonly data: string;
}

/** The last line of a run and its `result.json`: where the command has ended, everything it found. */
export interface DoneEvent extends Account, RunFacts {
  readonly event: "done";
  readonly method: string;
  readonly val: Metrics | null;
  readonly test: Metrics | null;
  readonly best: BestEpoch | null;
  readonly epochs: number;
  /** Fewer than asked for where patience ran out. */
  readonly epochsDone: number;
  /** Spent on training images. */
  readonly seconds: number;
  readonly imagesPerSecond: number;
  /** Where the adapter lies. */
  readonly adapter: string;
  /** Options of the method, with nothing left to be decided. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly architecture: string;
  /** Where the backbone comes from, if that is not a path on this machine. */
  readonly place?: string;
  readonly batchSize: number;
  readonly lr: number;
  readonly headLr: number;
  readonly seed: number;
  readonly device: string;
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
