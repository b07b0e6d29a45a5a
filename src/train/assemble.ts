import { type Account, accountOf } from "../adapter/account.js";
import { adamW, sgd } from "../graph/optimizer.js";
import { elementCount } from "../graph/tensor.js";
import type { AnyMethod } from "../methods/index.js";
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
    optimizer:
      config.optimizer === "adamw"
        ? adamW({ beta1: config.betas[0], beta2: config.betas[1] })
        : sgd({ momentum: config.momentum }),
    groups: (group) =>
      group === "head"
        ? { rate: config.headLr / lr, decay: config.headWeightDecay ?? config.weightDecay }
        : { rate: 1, decay: config.weightDecay },
    clip: config.clip ?? 0,
  });

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
