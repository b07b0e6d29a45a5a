import { z } from "zod";
import { ConfigError } from "../errors.js";
import { explainIssue } from "./config-issue.js";
import { keysIdleInMethod, refuseIdle } from "./idle.js";

const positive = z.number().positive();
const fraction = z.number().min(0).lt(1);
const count = z.int().min(1);
const strength = z.number().min(0).max(1000).default(0);

/** What the cosine falls towards, unless it starts there. */
const usualMinLr = 1e-5;

/** Options of a method; which ones it knows, and their defaults, is the method's own affair. */
const methodOptions = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]));

/** The whole training configuration: every key, its default and what it does. */
export const configSchema = z.strictObject({
  $schema: z.string().optional().describe("Where this schema lies; for editors only."),
  backbone: z
    .string()
    .min(1)
    .describe(
      "Folder of the pretrained network, or its name on the hub, owner/name. With init random also an architecture's name, vit_tiny_patch16_224.",
    ),
  revision: z
    .string()
    .min(1)
    .optional()
    .describe("Branch, tag or commit of a backbone from the hub. Default: main; the run records the commit."),
  data: z
    .string()
    .min(1)
    .describe("Labelled images: a folder, an archive (.zip, .tar, .tar.gz), a list (.csv, .jsonl), or drawn:count."),
  out: z.string().min(1).describe("Run folder to make: config, metrics, checkpoint, adapter, result."),
  method: z
    .string()
    .min(1)
    .default("sas")
    .describe("How the network is adapted: sas, linear, full, lora or another of the table of methods."),
  options: methodOptions
    .default({})
    .describe("Options of the method; sas: form, rank, embedding, hidden, sites, alpha, shared, specific."),
  init: z
    .enum(["pretrained", "random"])
    .default("pretrained")
    .describe("Where the network's own weights come from; random only makes sense with method full."),
  epochs: count.default(100).describe("How often every training image is seen. 100 is the habit of VTAB-1k."),
  batchSize: count.default(32).describe("Images per update, at most as many as there are."),
  lr: positive
    .optional()
    .describe(
      "Highest learning rate of the method's parameters. Default: 5e-3; for full 1e-4, or 1e-3 from random weights.",
    ),
  headLr: positive.default(1e-3).describe("Highest learning rate of the classification head."),
  minLr: z
    .number()
    .min(0)
    .default(usualMinLr)
    .describe("Learning rate that the cosine falls towards. Where it is not given and lr is not above 1e-5: 0."),
  warmupEpochs: z.number().min(0).optional().describe("Epochs of linear warm-up. Default: a tenth of all epochs."),
  warmupSteps: z.int().min(0).optional().describe("The same in updates instead of epochs."),
  weightDecay: z.number().min(0).default(1e-4).describe("Decoupled weight decay of the method's parameters."),
  headWeightDecay: z.number().min(0).optional().describe("Weight decay of the head; weightDecay where absent."),
  clip: positive
    .nullable()
    .default(1)
    .describe("Largest norm of the whole gradient; null (on the command line: none) leaves it as it is."),
  labelSmoothing: fraction.default(0).describe("Share of the target that is spread over all classes."),
  mixup: strength.describe("Mixup: training images are blended in pairs, by a share from Beta(α, α). 0 is off."),
  cutmix: strength.describe("Cutmix: a part is cut out of another training image, its area from Beta(α, α). 0 is off."),
  mixProbability: z.number().min(0).max(1).default(1).describe("Share of the batches that are mixed."),
  mixSwitch: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe("Share of the mixed batches that get cutmix, where mixup is on too."),
  classWeights: z
    .union([z.enum(["none", "balanced", "effective"]), z.array(z.number().min(0)).min(1)])
    .default("none")
    .describe("What the images of each class count in the loss; balanced, effective, or a list of numbers."),
  classWeightBeta: fraction.default(0.999).describe("classWeights effective: nearer to 1 is nearer to balanced."),
  sampling: z
    .enum(["all", "balanced"])
    .default("all")
    .describe("Which images an epoch shows: all once, or as many of each class."),
  dropPath: fraction.default(0).describe("Share of images that skip a branch of the last block; less before it."),
  dropout: fraction.default(0).describe("Share of an adapter's activations that is zero while training."),
  gradientNoise: z.number().min(0).default(0).describe("Variance of noise on the gradient at the first update."),
  layerDecay: z
    .number()
    .positive()
    .max(1)
    .default(1)
    .describe("Factor of the learning rate from each block to the one before it."),
  weightDecayFor: z
    .enum(["all", "matrices"])
    .optional()
    .describe(
      "What weight decay acts on; matrices spares biases, norms, tokens. Default: matrices for full, else all.",
    ),
  ema: positive
    .lt(1)
    .optional()
    .describe("Decay of a moving average of what is trained; the average is then scored and saved."),
  patience: count
    .optional()
    .describe("Epochs without a better validation accuracy that end the training; its result is then the best epoch."),
  optimizer: z
    .enum(["adamw", "sgd", "muon"])
    .default("adamw")
    .describe("The update rule; muon moves matrices so, and everything else and the head by adamw."),
  betas: z.tuple([fraction, fraction]).default([0.9, 0.999]).describe("AdamW: decay of both moving averages."),
  momentum: fraction
    .default(0.9)
    .describe("SGD and Muon: decay of the moving average of gradients (Muon's habit is 0.95)."),
  imageSize: count
    .max(4096)
    .optional()
    .describe("Height and width the network sees, in pixels. Default: the backbone's own size."),
  transform: z
    .string()
    .min(1)
    .optional()
    .describe("What happens to a training image: decode|resize(224,bicubic)|flip. Without it: the direct resize only."),
  evalTransform: z
    .string()
    .min(1)
    .optional()
    .describe("What happens to every other image, stored with the adapter. Without it: the direct resize."),
  seed: z.int().min(0).max(0xffff_ffff).default(0).describe("Decides initial values, order and augmentation."),
  final: z.boolean().default(false).describe("Train on the training and validation images together."),
  valFraction: fraction
    .optional()
    .describe(
      "Share of each class kept for validation where the data has none; 0.2 for one folder of classes, else 0.",
    ),
  shots: count
    .optional()
    .describe("Training images of each class, drawn with the seed; for few-shot lists, which of them. Default: all."),
  skipUnreadable: z.boolean().default(false).describe("Go on without images that cannot be read."),
  device: z.enum(["cpu"]).default("cpu").describe("Where the tensors are computed."),
  threads: count.optional().describe("Threads that compute. Default: as many as there are processors."),
  memoryMb: count.optional().describe("Memory the training may take, in MiB. Default: 5632."),
  checkpointSeconds: positive.default(60).describe("Longest time between two checkpoints within an epoch."),
});

/** A complete configuration: defaults filled in. */
export type TrainConfig = z.output<typeof configSchema>;

/** A configuration as a person writes it: only what differs from the defaults. */
export type TrainConfigInput = z.input<typeof configSchema>;

/** Keys that may change when a run goes on: they do not decide what is computed, or are checked by content instead. */
const unboundKeys: ReadonlySet<string> = new Set([
  "$schema",
  "out",
  "backbone",
  "revision",
  "data",
  "memoryMb",
  "checkpointSeconds",
]);

/**
 * The complete configuration.
 * @param source what the values came from, for messages: a file's name or "command line"
 * @param nameOf what the person calls a key: the key itself, or the flag it was given by
 * @throws ConfigError that names every wrong key, what was expected and what came
 */
export function parseConfig(
  value: unknown,
  source: string,
  nameOf: (key: string) => string = (key) => key,
): TrainConfig {
  const parsed = configSchema.safeParse(value);
  if (!parsed.success) {
    const issues = parsed.error.issues.map((issue) => explainIssue(issue, value, configSchema.shape, nameOf));
    throw new ConfigError(`${source}: ${issues.join(" ")}`);
  }
  const { lr = 1 } = parsed.data;
  const isBelow = lr <= usualMinLr && (value as TrainConfigInput).minLr === undefined;
  const config = isBelow ? { ...parsed.data, minLr: 0 } : parsed.data;
  refuseIdle(config, defaultConfig, source, nameOf);
  return config;
}

/** The settings without those that do nothing with their method, where several methods share them. */
export function forMethod<T extends Omit<TrainConfigInput, "out">>(shared: T): T {
  const parsed = configSchema.safeParse({ out: ".", ...shared });
  const idle = new Set<string>(parsed.success ? keysIdleInMethod(parsed.data) : []);
  return Object.fromEntries(Object.entries(shared).filter(([key]) => !idle.has(key))) as T;
}

/** The default of every key that has one. */
const defaultConfig: Readonly<Record<string, unknown>> = configSchema.parse({ backbone: ".", data: ".", out: "." });

/** The names of keys in which two configurations differ so that one run cannot go on as the other. */
export function differingKeys(stored: TrainConfig, given: TrainConfig): readonly string[] {
  const keys = new Set([...Object.keys(stored), ...Object.keys(given)]);
  const value = (config: TrainConfig, key: string) => JSON.stringify(config[key as keyof TrainConfig]);
  return [...keys].filter((key) => !unboundKeys.has(key) && value(stored, key) !== value(given, key)).sort();
}

/** The JSON Schema of the configuration file, for editors. */
export const configJsonSchema = (): unknown => ({
  ...z.toJSONSchema(configSchema, { io: "input" }),
  title: "Training configuration of sas-petl",
});
