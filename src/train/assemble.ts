import { type Account, accountOf } from "../adapter/account.js";
import { adamW, muon, type Optimizer, sgd } from "../graph/optimizer.js";
import { elementCount } from "../graph/tensor.js";
import type { AnyMethod } from "../methods/index.js";
import type { MethodParameter } from "../methods/method.js";
import { type Architecture, parameterCount } from "../vit/architecture.js";
import type { Normalization } from "../vit/model.js";
import type { TrainConfig } from "./config.js";
import { type TrainingStep, trainingStep } from "./step.js";

/**
 * The learning rate of a configuration. Without a wish: new parameters are few and take large steps, pretrained ones
 * small steps, random ones something between.
 */
export function baseRate({ lr, init }: TrainConfig, account: Account): number {
  if (lr !== undefined) return lr;
  if (init === "random") return 1e-3;
  return account.trainable === account.total ? 1e-4 : 5e-3;
}

/** The training step that a configuration asks for. */
export const assembleStep = (
  config: TrainConfig,
  lr: number,
  architecture: Architecture,
  normalization: Normalization,
  method: AnyMethod,
  methodOptions: Readonly<Record<string, unknown>>,
  microBatch: number,
): TrainingStep =>
  trainingStep({
    architecture,
    normalization,
    method,
    methodOptions,
    microBatch,
    optimizerOf: optimizers(config),
    groups: (group) =>
      group === "head"
        ? { rate: config.headLr / lr, decay: config.headWeightDecay ?? config.weightDecay }
        : { rate: 1, decay: config.weightDecay },
    clip: config.clip ?? 0,
  });

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
