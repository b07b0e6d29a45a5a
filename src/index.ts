/**
 * The portable core: nothing here knows where it runs. What reads files and starts threads is in `sas-petl/node`.
 */
export { type Account, accountOf, printAccount } from "./adapter/account.js";
export { type Adapter, decodeAdapter, encodeAdapter } from "./adapter/file.js";
export { type Merged, type MergeOptions, merge, mergeGraph } from "./adapter/merge.js";
export { adaptedPredictor, type PredictorOptions, plainPredictor } from "./adapter/predictor.js";
export type { Batch, Loader } from "./data/loader.js";
export { ConfigError, FormatError, RuntimeUnavailableError, ShapeError } from "./errors.js";
export { evaluateLogits, type Metrics, probabilitiesOf, topClasses } from "./evaluate/metrics.js";
export { type CardFormat, type CardInputs, modelCard, type Score } from "./export/card.js";
export type { Description } from "./export/description.js";
export type { Network as ExportedNetwork } from "./export/network.js";
export { type ExportDtype, exportModel } from "./export/onnx.js";
export type { AdapterOptions } from "./methods/adapter.js";
export type { AdaptformerOptions } from "./methods/adaptformer.js";
export type { ArcOptions } from "./methods/arc.js";
export type { ConvpassOptions } from "./methods/convpass.js";
export type { FactOptions } from "./methods/fact.js";
export {
  type AnyMethod,
  addMethod,
  hasMethod,
  type MethodName,
  methodNames,
  methodOf,
  methods,
} from "./methods/index.js";
export type { LoraOptions } from "./methods/lora.js";
export type { Method, MethodParameter } from "./methods/method.js";
export type { PromptOptions } from "./methods/prompt.js";
export type { RepAdapterOptions } from "./methods/rep-adapter.js";
export type { SasForm, SasOptions, SasSite } from "./methods/sas.js";
export type { SsfOptions, SsfSite } from "./methods/ssf.js";
export type { Target as MapTarget } from "./methods/target.js";
export type { VeraOptions } from "./methods/vera.js";
export { type DecodedGraph, decode } from "./onnx/decode.js";
export { type EncodedGraph, encode, type Place as NodePlace } from "./onnx/encode.js";
export { lower, type OrtTarget } from "./onnx/lower.js";
export type { Compute } from "./onnx/model.js";
export { type FilePieces, inlineModel, type ModelFiles, outlineModel } from "./onnx/model-file.js";
export type { Resizing } from "./onnx/resized-model.js";
export type { Executor, Feed, Resident, Session, Target } from "./run/executor.js";
export { OrtExecutor, type OrtOptions } from "./run/ort.js";

export { ReferenceExecutor } from "./run/reference.js";
export type { Checkpoint as TrainingCheckpoint, Progress, Tensors } from "./train/checkpoint.js";
export { configJsonSchema, parseConfig, type TrainConfig, type TrainConfigInput } from "./train/config.js";
export type { LoopEvent, LoopStart } from "./train/events.js";
export type { Footprint } from "./train/footprint.js";
export { checkMethod } from "./train/laws.js";
export { type TrainingResult, trainLoop } from "./train/loop.js";
export type { LoopConfig, LoopParts } from "./train/loop-parts.js";
export { type Demand, divide, type Resources } from "./train/resources.js";
export type { Scored } from "./train/score.js";
export { type StepOptions, type TrainingStep, trainingStep } from "./train/step.js";
export type { RunStore } from "./train/store.js";
export {
  type Activation,
  type Architecture,
  architectureNames,
  architectureOf,
  parameterCount,
} from "./vit/architecture.js";
export {
  type Allocate,
  type Backbone,
  type Checkpoint,
  loadCheckpoint,
  readCheckpoint,
  type Weights,
} from "./vit/checkpoint.js";
export type { BackboneConfig } from "./vit/config.js";
export type { DataContract, Pretraining, StatedContract } from "./vit/contract.js";
export type { Drop, Mask } from "./vit/drop.js";
export type { LazyTensor, LazyTensors } from "./vit/lazy-tensor.js";
export { classify, features, type NetworkInputs, type Normalization } from "./vit/model.js";
export { openTensors } from "./vit/open-tensors.js";
export { type ByteSource, readSafetensors, type Safetensors, safetensorsChunks } from "./vit/safetensors.js";
export type { Adaptation, Branch, Delta, Dropped, Flow, InputChange, OutputChange, Site } from "./vit/site.js";
