import type { Activation, Architecture } from "./architecture.js";
import { cropModes, type DataContract, interpolations, type Pretraining, type StatedContract } from "./contract.js";
import { parseHuggingFace } from "./hugging-face-config.js";
import {
  boolean,
  type Check,
  classCount,
  count,
  countsOf,
  type Fields,
  fraction,
  type JsonFields,
  names,
  numberedNames,
  numbers,
  object,
  oneOf,
  positive,
  readJson,
  size,
  string,
} from "./json-fields.js";

/** What a `config.json` says of a network, in our words; anything may be missing. */
export interface BackboneConfig {
  /** The architecture's name in timm. */
  readonly architecture?: string | undefined;
  /** Sizes and options that are stated one by one. */
  readonly stated: { readonly [K in keyof Architecture]?: Architecture[K] | undefined };
  readonly contract: StatedContract;
  /** How the network was trained before. */
  readonly pretraining?: Pretraining | undefined;
}

/** timm's names of what stands between the maps of the MLP. */
const activationNames: Readonly<Record<string, Activation>> = {
  gelu: "gelu",
  gelu_tanh: "gelu-tanh",
  quick_gelu: "quick-gelu",
};

const activation: Check<Activation> = (v) => (typeof v === "string" ? activationNames[v] : undefined);

/**
 * The contents of timm's `config.json`, or of Hugging Face's. Keys that say nothing about network or contract (`hf_hub_id`, `license`, …) are
 * left alone: the formats are others', and they grow.
 * @param file what to call it in messages
 * @throws FormatError where it is no JSON object or a key has a value of the wrong kind
 * @see https://github.com/huggingface/pytorch-image-models `timm/models/_hub.py`, `save_config_for_hf`
 */
export function parseConfig(text: string, file: string): BackboneConfig {
  const json = readJson(text, file);
  return json.top.model_type === undefined ? parseTimm(json) : parseHuggingFace(json, file);
}

function parseTimm(json: JsonFields): BackboneConfig {
  const { top, field } = json;
  const args = field(top, "model_args", object, "an object") ?? {};
  // Before there was a `pretrained_cfg`, its keys stood at the top.
  const data = field(top, "pretrained_cfg", object, "an object") ?? top;
  const inArgs = (key: string) => field(args, key, count, "a positive integer");

  const [channels, ...inputSize] = field(data, "input_size", countsOf(3), "[channels, height, width]") ?? [];
  const inputHeight = inputSize[0];
  const pool = (from: Fields) => field(from, "global_pool", oneOf(["token", "avg"]), '"token" or "avg"');
  const width = inArgs("embed_dim");
  const ratio = field(args, "mlp_ratio", positive, "a positive number");
  const registers = field(args, "reg_tokens", classCount, "a count");
  const noEmbedClass = field(args, "no_embed_class", boolean, "true or false");
  const afterPool = field(args, "fc_norm", boolean, "true or false");
  return {
    architecture: field(top, "architecture", string, "a text"),
    stated: {
      imageSize:
        field(args, "img_size", size, "a size") ??
        (inputHeight ? [inputHeight, inputSize[1] ?? inputHeight] : undefined),
      patchSize: inArgs("patch_size"),
      channels: inArgs("in_chans") ?? channels,
      width,
      blocks: inArgs("depth"),
      heads: inArgs("num_heads"),
      hidden: ratio && width ? Math.floor(ratio * width) : undefined,
      classes: field(top, "num_classes", classCount, "a count"),
      hasClassToken: field(args, "class_token", boolean, "true or false"),
      pool: pool(args) ?? pool(top),
      finalNorm: afterPool === undefined ? undefined : afterPool ? "fc_norm" : "norm",
      qkvBias: field(args, "qkv_bias", boolean, "true or false"),
      registers,
      hasPrefixPositions: noEmbedClass === undefined ? undefined : !noEmbedClass,
      hasPreNorm: field(args, "pre_norm", boolean, "true or false"),
      activation: field(args, "act_layer", activation, `one of ${Object.keys(activationNames).join(", ")}`),
      eps: field(top, "layer_norm_eps", positive, "a positive number"),
    },
    contract: {
      mean: field(data, "mean", numbers, "three numbers"),
      std: field(
        data,
        "std",
        (v) => (numbers(v)?.every((n) => n > 0) ? numbers(v) : undefined),
        "three positive numbers",
      ),
      interpolation: field(data, "interpolation", oneOf(interpolations), `one of ${interpolations.join(", ")}`),
      cropFraction: field(data, "crop_pct", (v) => (fraction(v) ? v : undefined), "a number in (0, 1]"),
      cropMode: field(data, "crop_mode", oneOf(cropModes), `one of ${cropModes.join(", ")}`),
      classNames:
        field(top, "label_names", names, "a list of texts") ??
        field(data, "label_names", names, "a list of texts") ??
        field(top, "id2label", numberedNames, "names under 0, 1, 2, …"),
    },
  };
}

/**
 * The text of a `config.json` from which timm builds the same network (but for a patch embedding with a bias before a
 * pre-norm, which timm has not) and `parseConfig` reads the same back.
 * `layer_norm_eps` is no key of timm's, whose ε is always 1e-6.
 */
export function printConfig(a: Architecture, contract: DataContract): string {
  const config = {
    architecture: a.name ?? (a.hasDistillationToken ? "deit_base_distilled_patch16_224" : "vit_base_patch16_224"),
    num_classes: a.classes,
    num_features: a.width,
    global_pool: a.pool,
    layer_norm_eps: a.eps,
    model_args: {
      img_size: a.imageSize,
      patch_size: a.patchSize,
      in_chans: a.channels,
      embed_dim: a.width,
      depth: a.blocks,
      num_heads: a.heads,
      mlp_ratio: ratioOf(a.hidden, a.width),
      qkv_bias: a.qkvBias,
      class_token: a.hasClassToken,
      ...(a.registers > 0 ? { reg_tokens: a.registers } : {}),
      ...(a.hasPrefixPositions ? {} : { no_embed_class: true }),
      ...(a.hasLayerScale ? { init_values: 1e-5 } : {}),
      ...(a.hasPreNorm ? { pre_norm: true } : {}),
      ...(a.activation === "gelu" ? {} : { act_layer: a.activation.replace("-", "_") }),
      global_pool: a.pool,
      fc_norm: a.finalNorm === "fc_norm",
    },
    pretrained_cfg: {
      input_size: [a.channels, ...a.imageSize],
      fixed_input_size: true,
      interpolation: contract.interpolation,
      crop_pct: contract.cropFraction,
      crop_mode: contract.cropMode,
      mean: contract.mean,
      std: contract.std,
      num_classes: a.classes,
      first_conv: "patch_embed.proj",
      classifier: "head",
      ...(contract.classNames ? { label_names: contract.classNames } : {}),
    },
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** The ratio from which `⌊ratio · width⌋` is `hidden` again, as timm computes it, in spite of rounding. */
function ratioOf(hidden: number, width: number): number {
  const ratio = hidden / width;
  return Math.floor(ratio * width) === hidden ? ratio : (hidden + 0.5) / width;
}
