import { type Account, accountOf } from "../adapter/account.js";
import { ConfigError } from "../errors.js";
import { adamW, muon, type Optimizer, sgd } from "../graph/optimizer.js";
import { elementCount } from "../graph/tensor.js";
import type { AnyMethod } from "../methods/index.js";
import type { MethodParameter } from "../methods/method.js";
import { type Architecture, parameterCount } from "../vit/architecture.js";
import type { Normalization } from "../vit/model.js";
import type { TrainConfig } from "./config.js";
import { isUndecayed, layerOf, layerRate } from "./parameter-groups.js";
import { type StepOptions, type TrainingStep, trainingStep } from "./step.js";

/**
 * The learning rate of a configuration. Without a wish: new parameters are few and take large steps, pretrained ones
 * small steps, random ones something between.
 */
export function baseRate({ lr, init }: TrainConfig, account: Account): number {
  if (lr !== undefined) return lr;
  if (init === "random") return 1e-3;
  return account.trainable === account.total ? 1e-4 : 5e-3;
}

/**
 * The training step that a configuration asks for.
 * @param isShared whether several methods share the configuration, so that an option may find nothing to act on
 * @throws ConfigError where an option of the configuration finds nothing to act on, unless it is shared
 */
export function assembleStep(
  config: TrainConfig,
  lr: number,
  architecture: Architecture,
  normalization: Normalization,
  method: AnyMethod,
  methodOptions: Readonly<Record<string, unknown>>,
  microBatch: number,
  isShared = false,
): TrainingStep {
  const step = trainingStep({
    architecture,
    normalization,
    method,
    methodOptions,
    microBatch,
    optimizerOf: optimizers(config),
    groups: groupsOf(config, lr, architecture.blocks),
    clip: config.clip ?? 0,
    dropout: config.dropout,
    dropPath: config.dropPath,
    isNoisy: config.gradientNoise > 0,
  });
  if (!isShared) refuseIdleStep(config, step, method.name);
  return step;
}

/** Rate, as a factor of `lr`, and weight decay of each parameter. */
const groupsOf =
  (config: TrainConfig, lr: number, blocks: number): StepOptions["groups"] =>
  (group, parameter) => {
    const isHead = group === "head";
    const spared = config.weightDecayFor ?? (config.method === "full" ? "matrices" : "all");
    const decay = isHead ? (config.headWeightDecay ?? config.weightDecay) : config.weightDecay;
    return {
      rate: isHead ? config.headLr / lr : layerRate(parameter.name, blocks, config.layerDecay),
      decay: spared === "matrices" && isUndecayed(parameter) ? 0 : decay,
    };
  };

/** Stops where an option found nothing in the network to act on. @throws ConfigError */
function refuseIdleStep(config: TrainConfig, step: TrainingStep, method: string): void {
  const [first] = idleInStep(config, step);
  if (first === undefined) return;
  const reasons: Readonly<Record<typeof first, string>> = {
    dropout: `${method} as it is set has no place for it`,
    dropPath: "it spares the first block, and the network has no other",
    layerDecay: `${method} trains nothing that belongs to one layer`,
  };
  throw new ConfigError(`${first}: ${reasons[first]}. Leave it out.`);
}

/** The keys that are set, and find nothing to act on in what they have made. */
export function idleInStep(
  { dropout, dropPath, layerDecay }: TrainConfig,
  { masks, parameters }: TrainingStep,
): readonly ("dropout" | "dropPath" | "layerDecay")[] {
  const has = (kind: string): boolean => masks.some(({ name }) => name.startsWith(`${kind}/`));
  return [
    ...(dropout > 0 && !has("dropout") ? (["dropout"] as const) : []),
    ...(dropPath > 0 && !has("path") ? (["dropPath"] as const) : []),
    ...(layerDecay < 1 && !parameters.some(({ name }) => layerOf(name) !== undefined) ? (["layerDecay"] as const) : []),
  ];
}

/** How each parameter moves: Muon is made for the matrices inside a network, so beside it AdamW moves all others. */
function optimizers({ optimizer, betas, momentum }: TrainConfig): (parameter: MethodParameter) => Optimizer {
  const others = optimizer === "sgd" ? sgd({ momentum }) : adamW({ beta1: betas[0], beta2: betas[1] });
  const matrices = optimizer === "muon" ? muon({ momentum }) : others;
  return ({ shape, group }) => (shape.length === 2 && group !== "head" ? matrices : others);
}

/** What a method trains in an architecture, by its formula. */
export function accountFor(
  method: AnyMethod,
  architecture: Architecture,
  options: Readonly<Record<string, unknown>>,
): Account {
  const resolved = method.resolve(architecture, options);
  const trained = method.count(architecture, resolved);
  const thawed = method
    .parameters(architecture, resolved)
    .reduce((count, { initial, shape }) => count + (initial === "backbone" ? elementCount(shape) : 0), 0);
  const head = architecture.classes * (architecture.width + 1);
  return accountOf(trained - thawed, thawed, parameterCount(architecture), head);
}
