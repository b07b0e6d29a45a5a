/** The public API: what the command line does, as functions. */
export type { Account } from "./adapter/account.js";
export { type Adapter, decodeAdapter, encodeAdapter } from "./adapter/file.js";
export type { Split } from "./data/dataset.js";
export { ConfigError, FormatError, RuntimeUnavailableError, ShapeError } from "./errors.js";
export type { Metrics } from "./evaluate/metrics.js";
export type { ClassifierOptions } from "./platform/classifier.js";
export { type EvaluateOptions, type Evaluation, evaluate } from "./platform/evaluate.js";
export { type Inspection, type InspectOptions, inspect } from "./platform/inspect.js";
export { type Candidate, type ImageInput, type Prediction, type PredictOptions, predict } from "./platform/predict.js";
export { type TrainHooks, train } from "./platform/train.js";
export type { TrainConfigInput } from "./train/config.js";
export type {
  BestEpoch,
  CheckpointEvent,
  DoneEvent,
  EpochEvent,
  StartEvent,
  StepEvent,
  TrainEvent,
} from "./train/events.js";
