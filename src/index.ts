/**
 * The portable core: nothing here knows where it runs. What reads files and starts threads is in `sas-petl/node`.
 */
export { type Account, accountOf, printAccount } from "./adapter/account.js";
export { type Adapter, decodeAdapter, encodeAdapter } from "./adapter/file.js";
export { type Merged, type MergeOptions, merge, mergeGraph } from "./adapter/merge.js";
export { adaptedPredictor, plainPredictor } from "./adapter/predictor.js";
export { ConfigError, FormatError, RuntimeUnavailableError, ShapeError } from "./errors.js";
export { evaluateLogits, type Metrics, probabilitiesOf, topClasses } from "./evaluate/metrics.js";
export { type CardInputs, modelCard } from "./export/card.js";
export type { Description } from "./export/description.js";
export type { Network as ExportedNetwork } from "./export/network.js";
export { type ExportDtype, exportModel } from "./export/onnx.js";
export { type MethodName, methodNames, methodOf, methods } from "./methods/index.js";
export type { Method, MethodParameter } from "./methods/method.js";
export { decode } from "./onnx/decode.js";
export { encode } from "./onnx/encode.js";
export { lower } from "./onnx/lower.js";
export { inlineModel, outlineModel } from "./onnx/model-file.js";
export type { Executor, Feed, Resident, Session, Target } from "./run/executor.js";
export { OrtExecutor, type OrtOptions } from "./run/ort.js";
export { ReferenceExecutor } from "./run/reference.js";
export { configJsonSchema, parseConfig, type TrainConfig, type TrainConfigInput } from "./train/config.js";
export { type LoopConfig, type LoopParts, type TrainingResult, trainLoop } from "./train/loop.js";
export { divide, type Resources } from "./train/resources.js";
export { type StepOptions, type TrainingStep, trainingStep } from "./train/step.js";
export {
  type Activation,
  type Architecture,
  architectureNames,
  architectureOf,
  parameterCount,
} from "./vit/architecture.js";
export { type Backbone, type Checkpoint, loadCheckpoint, readCheckpoint } from "./vit/checkpoint.js";
export type { LazyTensor, LazyTensors } from "./vit/lazy-tensor.js";
export { classify, features } from "./vit/model.js";
export { openTensors } from "./vit/open-tensors.js";
export { readSafetensors, safetensorsChunks } from "./vit/safetensors.js";
export type { Adaptation, InputChange, Site } from "./vit/site.js";
