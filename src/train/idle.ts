import { ConfigError } from "../errors.js";
import type { TrainConfig } from "./config.js";

/** A key that does nothing where `isIdle`; `because` ends the sentence "KEY has no effect". */
interface Rule {
  readonly key: keyof TrainConfig;
  readonly isIdle: (config: TrainConfig) => boolean;
  readonly because: string;
}

const isLinear = ({ method }: TrainConfig): boolean => method === "linear";

/** Names in braces are keys: they become what the person calls them. */
const rules: readonly Rule[] = [
  {
    key: "momentum",
    isIdle: (c) => c.optimizer === "adamw",
    because: "with {optimizer} adamw; its settings are {betas}",
  },
  { key: "betas", isIdle: (c) => c.optimizer === "sgd", because: "with {optimizer} sgd; its setting is {momentum}" },
  { key: "lr", isIdle: isLinear, because: "with {method} linear, which trains the head alone; its rate is {headLr}" },
  {
    key: "weightDecay",
    isIdle: (c) => isLinear(c) && c.headWeightDecay !== undefined,
    because: "with {method} linear beside {headWeightDecay}",
  },
  {
    key: "classWeightBeta",
    isIdle: (c) => c.classWeights !== "effective",
    because: "without {classWeights} effective",
  },
  { key: "mixProbability", isIdle: (c) => c.mixup + c.cutmix === 0, because: "without {mixup} or {cutmix}" },
  { key: "mixSwitch", isIdle: (c) => c.mixup * c.cutmix === 0, because: "unless {mixup} and {cutmix} are both on" },
  { key: "valFraction", isIdle: (c) => c.final, because: "with {final}, which trains on all but the test images" },
  { key: "patience", isIdle: (c) => c.final, because: "with {final}, which leaves no validation images" },
  { key: "patience", isIdle: (c) => (c.patience ?? 0) >= c.epochs, because: "where it is not below {epochs}" },
  { key: "dropPath", isIdle: isLinear, because: "with {method} linear, which trains nothing in the blocks" },
  { key: "layerDecay", isIdle: isLinear, because: "with {method} linear, which trains nothing in the blocks" },
  { key: "dropout", isIdle: (c) => isLinear(c) || c.method === "full", because: "with a {method} that has no adapter" },
  { key: "warmupEpochs", isIdle: (c) => (c.warmupEpochs ?? 0) > c.epochs, because: "beyond the last of the {epochs}" },
];

/**
 * Passes where every setting that differs from its default does something: who sets one without effect believes
 * something else of the run than is true.
 * @param nameOf what the person calls a key
 * @throws ConfigError that names the first that does nothing, and settings that contradict each other
 */
export function refuseIdle(
  config: TrainConfig,
  defaults: Readonly<Record<string, unknown>>,
  source: string,
  nameOf: (key: string) => string,
): void {
  const isSet = (key: keyof TrainConfig): boolean => JSON.stringify(config[key]) !== JSON.stringify(defaults[key]);
  const refuse = (text: string): never => {
    throw new ConfigError(`${source}: ${text.replaceAll(/\{(\w+)\}/g, (_, key: string) => nameOf(key))}`);
  };
  for (const { key, isIdle, because } of rules) {
    if (isSet(key) && isIdle(config)) refuse(`{${key}} has no effect ${because}. Leave it out, or change the other.`);
  }
  if (config.warmupEpochs !== undefined && config.warmupSteps !== undefined) {
    refuse("{warmupEpochs} and {warmupSteps} say the same in two ways. Give one of them.");
  }
  if (config.init === "random" && config.method !== "full") {
    refuse(`{init} random leaves nothing to adapt: it needs {method} full, got ${config.method}.`);
  }
}

/**
 * The keys that do nothing with the configuration's method, but would with another: a comparison, which shares its
 * settings among methods, leaves them out.
 */
export const keysIdleInMethod = (config: TrainConfig): readonly (keyof TrainConfig)[] =>
  rules.filter(({ isIdle }) => isIdle(config) && !isIdle({ ...config, method: "sas" })).map(({ key }) => key);
