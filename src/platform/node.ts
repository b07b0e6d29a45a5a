/** The entry `sas-petl/node`: what the command line does, as functions. */

export type { Account } from "../adapter/account.js";
export { type Adapter, decodeAdapter, encodeAdapter } from "../adapter/file.js";
export type { Dataset, Examples, Split } from "../data/dataset.js";
export type { Finding } from "../data/findings.js";
export type { Decode, Unreadable } from "../data/loader.js";
export type { ColorJitterStep } from "../data/steps/color-jitter.js";
export type { FlipStep } from "../data/steps/flips.js";
export type { RandAugmentStep } from "../data/steps/rand-augment.js";
export type { RandomErasingStep } from "../data/steps/random-erasing.js";
export type { SizeStep } from "../data/steps/sizes.js";
export type { Step, Transform } from "../data/transform.js";
export { ConfigError, FormatError, RuntimeUnavailableError, ShapeError } from "../errors.js";
export type { Candidate } from "../evaluate/candidates.js";
export type { Metrics } from "../evaluate/metrics.js";
export type { Cell as SuiteCell, Task as SuiteTask } from "../suite/cell.js";
export type { MethodChoice, Options, Setting } from "../suite/method-choice.js";
export type { FailedLine, ResultLine, Scores, TrialLine } from "../suite/result.js";
export type { Trial } from "../suite/trial.js";
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
export { type DatasetOptions, openDataset } from "./datasets.js";
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
export type { CheckedData, SplitOptions } from "./splits.js";
export { dryRunSuite, runSuite, type SuiteEvent, type SuiteHooks, type SuiteOutcome } from "./suite.js";
export type { SuiteConfig, SuiteOptions } from "./suite-options.js";
export type { PlannedStep, SuitePlan } from "./suite-plan.js";
export type { Target as SuiteTarget } from "./suite-score.js";
export type { OpenTask } from "./suite-tasks.js";
export type { TrialNamer } from "./suite-trials.js";
export { type ReportKind, type TrainHooks, train } from "./train.js";
