import { z } from "zod";
import { FormatError } from "../errors.js";
import { elementCount, type Tensor, tensorOf, toNumbers } from "../graph/tensor.js";
import { sizesOf, type Target } from "../methods/target.js";
import { type Architecture, parameterCount } from "../vit/architecture.js";
import { blockPartOf, embeddingOf } from "../vit/hf-names.js";
import { accountOf } from "./account.js";
import type { Adapter } from "./file.js";

/** What matters of an `adapter_config.json`; whatever else is set and changes what is computed is refused by name. */
const configSchema = z.looseObject({
  peft_type: z.literal("LORA"),
  r: z.int().min(1),
  lora_alpha: z.number(),
  use_rslora: z.boolean().default(false),
  lora_bias: z.boolean().default(false),
  fan_in_fan_out: z.boolean().default(false),
  bias: z.literal("none").default("none"),
  rank_pattern: z.record(z.string(), z.int().min(1)).nullish(),
  alpha_pattern: z.record(z.string(), z.number()).nullish(),
  base_model_name_or_path: z.string().nullish(),
});

/** The configuration of a LoRA adapter of HF PEFT. */
export type PeftConfig = z.output<typeof configSchema>;

/** Keys that say how an adapter was trained, or which modules have one, which its tensors say too. */
const harmless =
  /^(auto_mapping|revision|task_type|inference_mode|lora_dropout|target_modules|exclude_modules|modules_to_save|init_lora_weights|layers_to_transform|layers_pattern|loftq_config|eva_config|corda_config|lora_ga_config|peft_version|runtime_config|megatron_core|qalora_group_size|ensure_weight_tying|save_embedding_layers)$/;

/**
 * The contents of an `adapter_config.json`.
 * @throws FormatError for what is no LoRA, or a kind of it that is not read (DoRA, …), by its name
 * @see https://huggingface.co/docs/peft/package_reference/lora `LoraConfig`
 */
export function parsePeftConfig(text: string, file: string): PeftConfig {
  const fail = (what: string): never => {
    throw new FormatError(
      `${file}: ${what}. Only plain LoRA adapters are read; merge this one in Python and take the merged checkpoint.`,
    );
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    fail("no valid JSON");
  }
  const parsed = configSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const key = String(issue?.path[0] ?? "");
    const came = (value as Record<string, unknown> | null)?.[key];
    return fail(
      `${key || "the configuration"}: ${issue?.message ?? "is not as it must be"}, got ${JSON.stringify(came)?.slice(0, 80)}`,
    );
  }
  const isSet = (x: unknown): boolean =>
    x !== null && x !== false && x !== undefined && !(typeof x === "object" && Object.keys(x).length === 0);
  const strange = Object.entries(parsed.data).find(
    ([key, x]) => !Object.hasOwn(configSchema.shape, key) && !harmless.test(key) && isSet(x),
  );
  return strange ? fail(`${strange[0]} is set`) : parsed.data;
}

/** What an adapter of PEFT does not say itself. */
export interface PeftContext {
  readonly backbone: Adapter["backbone"];
  readonly contract: Adapter["contract"];
  readonly transform: string;
  /** The backbone's tensors at the image size of the transform. */
  readonly weights: (name: string) => Tensor;
  /** Names of the classes where they are known. */
  readonly classNames: readonly string[] | undefined;
  /** What to call the adapter in messages. */
  readonly file: string;
}

/** Targets of ours by the parts of a block. */
const targetOf: Readonly<Record<string, Target>> = {
  "attn.q": "q",
  "attn.k": "k",
  "attn.v": "v",
  "attn.proj": "proj",
  "mlp.fc1": "fc1",
  "mlp.fc2": "fc2",
};

/**
 * The adapter that a LoRA of HF PEFT is: `y + scale · B (A x)`. Ours have one rank everywhere, so smaller ones are filled up
 * with zeros; the scale (`alpha / r`, or `alpha / √r` of rsLoRA) goes into B and its bias.
 * @throws FormatError where tensors are missing, left over or of another shape than the backbone's maps
 */
export function peftToAdapter(
  config: PeftConfig,
  stored: ReadonlyMap<string, Tensor>,
  { backbone, contract, transform, weights, classNames, file }: PeftContext,
): Adapter {
  const fail = (what: string): never => {
    throw new FormatError(
      `${file}: ${what}. Give the backbone it was trained on with --backbone, or merge it in Python.`,
    );
  };
  const { head, pairs, embeddings } = sortTensors(stored, fail);
  for (const [name, tensor] of embeddings) {
    if (!isSame(tensor, weights(name)))
      return fail(`${name} is another than the backbone's at this image size, and only resized positions are read`);
  }
  const [weight, bias] = [head.weight, head.bias];
  const { width } = backbone.architecture;
  if (!weight || !bias || weight.shape.length !== 2 || weight.shape[1] !== width || bias.shape[0] !== weight.shape[0]) {
    return fail(`expected a classifier of [classes, ${width}] under modules_to_save, got ${shapeText(weight)}`);
  }
  const classCount = weight.shape[0] as number;
  const rank = Math.max(1, ...[...pairs.values()].map(({ a }) => a?.shape[0] ?? 1));
  const architecture: Architecture = { ...backbone.architecture, classes: classCount };
  const targets = [...new Set([...pairs.values()].map(({ target }) => target))];
  const tensors: Record<string, Tensor> = { "head.weight": weight, "head.bias": bias };
  const hasBias = [...pairs.values()].some((pair) => pair.bias);
  let trained = 0;
  for (let block = 0; block < architecture.blocks; block++) {
    for (const target of targets) {
      const pair = pairs.get(`${block}.${target}`);
      const [inputs, outputs] = sizesOf(architecture, target);
      const [down, up] = [new Float64Array(inputs * rank), new Float64Array(rank * outputs)];
      const shift = new Float64Array(outputs);
      if (pair) {
        const { a, b, bias: moved, path } = pair;
        const size = a?.shape[0] ?? 0;
        const fits = a?.shape[1] === inputs && b?.shape[0] === outputs && b?.shape[1] === size;
        if (!a || !b || !fits) {
          return fail(
            `${path}: expected lora_A [r, ${inputs}] and lora_B [${outputs}, r], got ${shapeText(a)} and ${shapeText(b)}`,
          );
        }
        if (moved && !(moved.shape.length === 1 && moved.shape[0] === outputs)) {
          return fail(`${path}: expected the bias of lora_B [${outputs}], got ${shapeText(moved)}`);
        }
        const scale = scaleOf(config, path, size, fail);
        const [from, to] = [toNumbers(a), toNumbers(b)];
        for (let k = 0; k < size; k++) {
          for (let i = 0; i < inputs; i++) down[i * rank + k] = from[k * inputs + i] as number;
          for (let o = 0; o < outputs; o++) up[k * outputs + o] = scale * (to[o * size + k] as number);
        }
        if (moved) shift.set(toNumbers(moved).map((x) => scale * x));
        trained += elementCount(a.shape) + elementCount(b.shape) + (moved ? outputs : 0);
        pairs.delete(`${block}.${target}`);
      }
      tensors[`lora.blocks.${block}.${target}.down`] = tensorOf("float32", [inputs, rank], down);
      tensors[`lora.blocks.${block}.${target}.up`] = tensorOf("float32", [rank, outputs], up);
      if (hasBias) tensors[`lora.blocks.${block}.${target}.bias`] = tensorOf("float32", [outputs], shift);
    }
  }
  const [left] = pairs.values();
  if (left) return fail(`${left.path}: the backbone has ${architecture.blocks} blocks, and no such module`);
  return {
    method: "lora",
    options: { rank, alpha: rank, targets, bias: hasBias },
    backbone,
    contract,
    transform,
    classes: classNames?.length === classCount ? classNames : Array.from({ length: classCount }, (_, i) => String(i)),
    account: accountOf(trained, 0, parameterCount(architecture), classCount * (width + 1)),
    tensors,
  };
}

interface StoredPair {
  readonly path: string;
  readonly target: Target;
  a?: Tensor;
  b?: Tensor;
  /** Of B, `lora_bias`. */
  bias?: Tensor;
}

const factors: Readonly<Record<string, "a" | "b" | "bias">> = { "A.weight": "a", "B.weight": "b", "B.bias": "bias" };

/** The pairs by block and target, the head, and the embeddings by our names. */
function sortTensors(stored: ReadonlyMap<string, Tensor>, fail: (what: string) => never) {
  const head: { weight?: Tensor; bias?: Tensor } = {};
  const pairs = new Map<string, StoredPair>();
  const embeddings = new Map<string, Tensor>();
  for (const [name, tensor] of stored) {
    const plain = name
      .replace(/^base_model\.model\./, "")
      .replace(".modules_to_save.", ".")
      .replace(".default.", ".");
    const embedding = embeddingOf(plain);
    if (embedding !== undefined) embeddings.set(embedding, tensor);
    else if (plain === "classifier.weight") head.weight = tensor;
    else if (plain === "classifier.bias") head.bias = tensor;
    else {
      const [, path = "", factor = ""] = /^(.+)\.lora_(A\.weight|B\.weight|B\.bias)$/.exec(plain) ?? [];
      const place = blockPartOf(path.startsWith("vit.") ? path : `vit.${path}`);
      const target = place && targetOf[place.part];
      if (!place || !target)
        return fail(`${JSON.stringify(name.slice(0, 120))} is no LoRA of a linear map of HF's ViT`);
      const key = `${place.block}.${target}`;
      const pair: StoredPair = pairs.get(key) ?? { path, target };
      pair[factors[factor] ?? "b"] = tensor;
      pairs.set(key, pair);
    }
  }
  if (pairs.size === 0) fail("there are no lora_A and lora_B tensors");
  return { head, pairs, embeddings };
}

const isSame = (a: Tensor, b: Tensor): boolean =>
  a.shape.join() === b.shape.join() && a.data.every((x, i) => x === b.data[i]);

/** `alpha / r`, or `alpha / √r`; patterns name the end of a module's name. */
function scaleOf(config: PeftConfig, path: string, rank: number, fail: (what: string) => never): number {
  const find = <T>(pattern: Readonly<Record<string, T>> | null | undefined): T | undefined =>
    Object.entries(pattern ?? {}).find(([key]) => matches(path, key, fail))?.[1];
  const stated = find(config.rank_pattern) ?? config.r;
  if (stated !== rank) fail(`${path}: expected rank ${stated} as the configuration says, got ${rank}`);
  const alpha = find(config.alpha_pattern) ?? config.lora_alpha;
  return alpha / (config.use_rslora ? Math.sqrt(rank) : rank);
}

/** PEFT's keys are regular expressions; those of plain names are read, which is what they are in practice. */
function matches(path: string, key: string, fail: (what: string) => never): boolean {
  const plain = key.replace(/^\^/, "").replaceAll("\\.", ".");
  if (!/^[\w.]+$/.test(plain)) return fail(`the pattern ${JSON.stringify(key.slice(0, 80))} is no name of a module`);
  return path === plain || (!key.startsWith("^") && path.endsWith(`.${plain}`));
}

const shapeText = (tensor: Tensor | undefined): string => (tensor ? `[${tensor.shape.join(", ")}]` : "nothing");
