/** The entry `sas-petl/node`: what the command line does, as functions. */

export type { Account } from "../adapter/account.js";
export { type Adapter, decodeAdapter, encodeAdapter } from "../adapter/file.js";
export type { Split } from "../data/dataset.js";
export type { Finding } from "../data/findings.js";
export { ConfigError, FormatError, RuntimeUnavailableError, ShapeError } from "../errors.js";
export type { Candidate } from "../evaluate/candidates.js";
export type { Metrics } from "../evaluate/metrics.js";
export type { TrainConfigInput } from "../train/config.js";
export type {
  BestEpoch,
  CheckpointEvent,
  DoneEvent,
  DownloadEvent,
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
export { type Forecast, type ForecastHooks, forecast } from "./forecast.js";
export { type Located, type LocateOptions, locateBackbone } from "./hub.js";
export { type Inspection, type InspectOptions, inspect } from "./inspect.js";
export type { DataInspection, SplitFacts, Spread } from "./inspect-data.js";
export { createOrtExecutor } from "./ort-node.js";
export { type ImageInput, type Prediction, type PredictOptions, predict } from "./predict.js";
export { type ReportOptions, report } from "./report.js";
export { dryRunSuite, runSuite, type SuiteEvent, type SuiteHooks, type SuiteOutcome } from "./suite.js";
export type { SuiteOptions, SuitePlan } from "./suite-plan.js";
export { type ReportKind, type TrainHooks, train } from "./train.js";
