import { z } from "zod";
import { ConfigError, suggest } from "../errors.js";

const positive = z.number().positive();
const fraction = z.number().min(0).lt(1);
const count = z.int().min(1);

/** Options of a method; which ones it knows, and their defaults, is the method's own affair. */
const methodOptions = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]));

/** The whole training configuration: every key, its default and what it does. */
export const configSchema = z.strictObject({
  $schema: z.string().optional().describe("Where this schema lies; for editors only."),
  backbone: z
    .string()
    .min(1)
    .describe("Folder of the pretrained network. With init random also an architecture's name, vit_tiny_patch16_224."),
  data: z
    .string()
    .min(1)
    .describe("Folder of labelled images, VTAB lists or Hugging Face parquet files; or a drawn task, drawn:count."),
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
  minLr: z.number().min(0).default(1e-5).describe("Learning rate that the cosine falls towards."),
  warmupEpochs: z.number().min(0).optional().describe("Epochs of linear warm-up. Default: a tenth of all epochs."),
  warmupSteps: z.int().min(0).optional().describe("The same in updates instead of epochs."),
  weightDecay: z.number().min(0).default(1e-4).describe("Decoupled weight decay of the method's parameters."),
  headWeightDecay: z.number().min(0).optional().describe("Weight decay of the head; weightDecay where absent."),
  clip: positive
    .nullable()
    .default(1)
    .describe("Largest norm of the whole gradient; null (on the command line: none) leaves it as it is."),
  labelSmoothing: fraction.default(0).describe("Share of the target that is spread over all classes."),
  optimizer: z.enum(["adamw", "sgd"]).default("adamw").describe("The update rule."),
  betas: z.tuple([fraction, fraction]).default([0.9, 0.999]).describe("AdamW: decay of both moving averages."),
  momentum: fraction.default(0.9).describe("SGD: decay of the moving average of gradients."),
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
  memoryMb: count.optional().describe("Memory the training may take, in MiB. Default: 4096."),
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
  "data",
  "memoryMb",
  "checkpointSeconds",
]);

/**
 * The complete configuration.
 * @param source what the values came from, for messages: a file's name or "command line"
 * @throws ConfigError that names every wrong key, what was expected and what came
 */
export function parseConfig(value: unknown, source: string): TrainConfig {
  const parsed = configSchema.safeParse(value);
  if (!parsed.success) {
    throw new ConfigError(`${source}: ${parsed.error.issues.map((issue) => letter(issue, value)).join(" ")}`);
  }
  const config = parsed.data;
  if (config.warmupEpochs !== undefined && config.warmupSteps !== undefined) {
    throw new ConfigError(`${source}: warmupEpochs and warmupSteps say the same in two ways. Give one of them.`);
  }
  if (config.init === "random" && config.method !== "full") {
    throw new ConfigError(
      `${source}: init random leaves nothing to adapt: it needs method full, got ${config.method}.`,
    );
  }
  return config;
}

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

function letter(issue: z.core.$ZodIssue, value: unknown): string {
  const where = issue.path.join(".");
  if (issue.code === "unrecognized_keys") {
    const known = Object.keys(configSchema.shape);
    return issue.keys.map((key) => `${where ? `${where}.` : ""}${key} is not a key. ${suggest(key, known)}`).join(" ");
  }
  const came = issue.path.reduce<unknown>(
    (inside, key) => (inside as Record<PropertyKey, unknown> | undefined)?.[key],
    value,
  );
  if (came === undefined && where !== "") return `${where} is missing. ${describe(where)}`;
  return `${where || "the configuration"}: ${issue.message.replace("Invalid input: ", "")}, got ${JSON.stringify(came)}.`;
}

const describe = (key: string): string => configSchema.shape[key as keyof typeof configSchema.shape]?.description ?? "";
