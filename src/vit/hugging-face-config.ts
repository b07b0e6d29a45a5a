import { FormatError } from "../errors.js";
import type { Activation } from "./architecture.js";
import type { BackboneConfig } from "./config.js";
import type { Interpolation, Pretraining, StatedContract } from "./contract.js";
import {
  boolean,
  type Check,
  classCount,
  count,
  type Fields,
  type JsonFields,
  numberedNames,
  numbers,
  object,
  positive,
  readJson,
  size,
} from "./json-fields.js";

/** What a `model_type` has where its file says nothing of it, which is transformers' default. */
interface Defaults {
  readonly pretraining: Pretraining;
  readonly eps: number;
  readonly activation: Activation;
}

const types: Readonly<Record<string, Defaults>> = {
  vit: { pretraining: "vit", eps: 1e-12, activation: "gelu" },
  deit: { pretraining: "deit", eps: 1e-12, activation: "gelu" },
  vit_mae: { pretraining: "mae", eps: 1e-12, activation: "gelu" },
  dinov2: { pretraining: "dinov2", eps: 1e-6, activation: "gelu" },
  dinov2_with_registers: { pretraining: "dinov2", eps: 1e-6, activation: "gelu" },
  clip: { pretraining: "clip", eps: 1e-5, activation: "quick-gelu" },
  clip_vision_model: { pretraining: "clip", eps: 1e-5, activation: "quick-gelu" },
};

const activationNames: Readonly<Record<string, Activation>> = {
  gelu: "gelu",
  gelu_new: "gelu-tanh",
  gelu_fast: "gelu-tanh",
  gelu_pytorch_tanh: "gelu-tanh",
  quick_gelu: "quick-gelu",
};
const activation: Check<Activation> = (v) => (typeof v === "string" ? activationNames[v] : undefined);

/**
 * What a `config.json` of transformers says of an image tower.
 * @throws FormatError where its `model_type` is none that is read, or a key has a value of the wrong kind
 * @see https://github.com/huggingface/transformers `configuration_vit.py`, `configuration_dinov2.py`, `configuration_clip.py`
 */
export function parseHuggingFace({ top, field }: JsonFields, file: string): BackboneConfig {
  const type = top.model_type;
  const usual = typeof type === "string" && Object.hasOwn(types, type) ? types[type] : undefined;
  if (!usual) {
    throw new FormatError(
      `${file}: model_type: expected one of ${Object.keys(types).join(", ")}, got ${JSON.stringify(type ?? null).slice(0, 60)}. A network of another kind is not read.`,
    );
  }
  // CLIP as a whole keeps its image tower's sizes apart.
  const vision = field(top, "vision_config", object, "an object") ?? top;
  const number = (key: string) => field(vision, key, count, "a positive integer");
  if (field(vision, "use_swiglu_ffn", boolean, "true or false")) {
    throw new FormatError(
      `${file}: use_swiglu_ffn: a gated MLP (SwiGLU, as in DINOv2 giant) is not read. Take a smaller DINOv2.`,
    );
  }
  const width = number("hidden_size");
  const ratio = field(vision, "mlp_ratio", positive, "a positive number");
  const isDinov2 = usual.pretraining === "dinov2";
  const classNames = field(top, "id2label", numberedNames, "names under 0, 1, 2, …");
  return {
    stated: {
      imageSize: field(vision, "image_size", size, "a size"),
      patchSize: number("patch_size"),
      channels: number("num_channels"),
      width,
      blocks: number("num_hidden_layers"),
      heads: number("num_attention_heads"),
      hidden: isDinov2 ? (ratio && width ? Math.floor(ratio * width) : undefined) : number("intermediate_size"),
      classes: classNames?.length,
      registers: field(vision, "num_register_tokens", classCount, "a count"),
      qkvBias: field(vision, "qkv_bias", boolean, "true or false"),
      eps: field(vision, "layer_norm_eps", positive, "a positive number") ?? usual.eps,
      activation:
        field(vision, "hidden_act", activation, `one of ${Object.keys(activationNames).join(", ")}`) ??
        usual.activation,
    },
    contract: { classNames },
    pretraining: usual.pretraining,
  };
}

/** PIL's numbers of its filters. */
const filters: readonly (Interpolation | undefined)[] = ["nearest", "lanczos", "bilinear", "bicubic"];
const filter: Check<Interpolation> = (v) => (typeof v === "number" ? filters[v] : undefined);

/**
 * The data contract in a `preprocessor_config.json` of transformers.
 * @throws FormatError where a key has a value of the wrong kind
 */
export function parsePreprocessor(text: string, file: string): StatedContract {
  const { top, field } = readJson(text, file);
  const isOn = (key: string, otherwise: boolean): boolean => field(top, key, boolean, "true or false") ?? otherwise;
  const isNormalized = isOn("do_normalize", true);
  const resized = sizeOf(field(top, "size", sized, "a size"));
  const crop = isOn("do_center_crop", false) ? sizeOf(field(top, "crop_size", sized, "a size")) : undefined;
  // A crop of less than the resized side; without one the image is stretched to the size, whatever its proportions.
  const cropFraction = crop && resized ? Math.min(1, crop.side / resized.side) : undefined;
  return {
    mean: isNormalized ? field(top, "image_mean", numbers, "three numbers") : [0, 0, 0],
    std: isNormalized ? field(top, "image_std", numbers, "three numbers") : [1, 1, 1],
    interpolation: field(top, "resample", filter, "one of PIL's filters from 0 to 3"),
    cropFraction,
    cropMode: crop ? "center" : resized && !resized.isShortest ? "squash" : undefined,
  };
}

const sized: Check<number | Fields> = (v) => count(v) ?? object(v);

/** The side of a square that a size of transformers means, and whether it is that of the shorter side alone. */
function sizeOf(value: number | Fields | undefined): { side: number; isShortest: boolean } | undefined {
  if (value === undefined || typeof value === "number")
    return value === undefined ? undefined : { side: value, isShortest: false };
  const shortest = count(value.shortest_edge);
  const side = shortest ?? count(value.height);
  return side === undefined ? undefined : { side, isShortest: shortest !== undefined };
}
