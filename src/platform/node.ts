/** The entry `sas-petl/node`: what the command line does, as functions. */
export type { Account } from "../adapter/account.js";
export { type Adapter, decodeAdapter, encodeAdapter } from "../adapter/file.js";
export type { Split } from "../data/dataset.js";
export { ConfigError, FormatError, RuntimeUnavailableError, ShapeError } from "../errors.js";
export type { Metrics } from "../evaluate/metrics.js";
export type { TrainConfigInput } from "../train/config.js";
export type {
  BestEpoch,
  CheckpointEvent,
  DoneEvent,
  EpochEvent,
  StartEvent,
  StepEvent,
  TrainEvent,
} from "../train/events.js";
export { openBackbone, writeBackbone } from "./backbone.js";
export type { ClassifierOptions } from "./classifier.js";
export { openDataset } from "./datasets.js";
export { type EvaluateOptions, type Evaluation, evaluate } from "./evaluate.js";
export { type ExportFormat, type ExportOptions, type ExportReport, exportFormats, exportNetwork } from "./export.js";
export type { ExportCheck } from "./export-check.js";
export { type Inspection, type InspectOptions, inspect } from "./inspect.js";
export { createOrtExecutor } from "./ort-node.js";
export { type Candidate, type ImageInput, type Prediction, type PredictOptions, predict } from "./predict.js";
export { type TrainHooks, train } from "./train.js";
