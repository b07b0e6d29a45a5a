import { parseTransform } from "../data/transform.js";
import { ConfigError } from "../errors.js";
import type { Resizing } from "../onnx/resized-model.js";
import type { Activation, Architecture } from "../vit/architecture.js";
import type { Description } from "./description.js";

/**
 * Stops where HF's ViT cannot be this network: its tensors would have no names there, or compute something else.
 * @throws ConfigError
 */
export function requireHfVit(a: Architecture): void {
  const strange = [
    ["pools its patch tokens", a.pool !== "token" || !a.hasClassToken],
    ["normalises behind the pooling", a.finalNorm !== "norm"],
    ["normalises before its blocks", a.hasPreNorm],
    ["scales its branches", a.hasLayerScale],
    ["has a distillation token", a.hasDistillationToken],
    ["has register tokens", a.registers > 0],
    ["has no position embedding of its class token", !a.hasPrefixPositions],
    ["has no bias in its patch embedding", !a.patchBias],
  ] as const;
  const [what] = strange.find(([, isSo]) => isSo) ?? [];
  if (what === undefined) return;
  throw new ConfigError(
    `this network ${what}, HF's ViT does not. Take --format onnx, or safetensors with --names timm.`,
  );
}

/** What HF's `config.json` says of a ViT with a head. @see https://huggingface.co/docs/transformers/model_doc/vit */
export function hfConfig(a: Architecture, classes: readonly string[]): Readonly<Record<string, unknown>> {
  return {
    architectures: ["ViTForImageClassification"],
    model_type: "vit",
    hidden_size: a.width,
    num_hidden_layers: a.blocks,
    num_attention_heads: a.heads,
    intermediate_size: a.hidden,
    hidden_act: hiddenAct[a.activation],
    layer_norm_eps: a.eps,
    image_size: a.imageSize[0] === a.imageSize[1] ? a.imageSize[0] : a.imageSize,
    patch_size: a.patchSize,
    num_channels: a.channels,
    qkv_bias: a.qkvBias,
    hidden_dropout_prob: 0,
    attention_probs_dropout_prob: 0,
    id2label: Object.fromEntries(classes.map((name, i) => [i, name])),
    // Of two classes of one name the first has it.
    label2id: Object.fromEntries(classes.map((name, i) => [name, i] as const).reverse()),
  };
}

/** HF's names of what stands between the maps of the MLP. */
const hiddenAct = {
  gelu: "gelu",
  "gelu-tanh": "gelu_pytorch_tanh",
  "quick-gelu": "quick_gelu",
} as const satisfies Readonly<Record<Activation, string>>;

/** Pillow's numbers of its filters. */
const resampleOf = { bilinear: 2, bicubic: 3 } as const;

/**
 * The transform as one resize, with the cut from the middle where there is one.
 * @throws ConfigError for a transform that HF's image processors have no words for
 */
export function resizingOf(sentence: string): Resizing {
  const [, resize, crop, ...rest] = parseTransform(sentence);
  if (rest.length === 0) {
    if (resize?.name === "resize" && crop === undefined) return resize;
    if (resize?.name === "resize-short" && crop?.name === "center-crop") {
      const { height, width } = crop;
      if (resize.size >= Math.max(height, width)) return { height, width, short: resize.size, filter: resize.filter };
    }
  }
  throw new ConfigError(
    `the evaluation transform is ${sentence}; what can be written down elsewhere is decode|resize(…) and decode|resize-short(…)|center-crop(…) of at most that size. Take --format onnx and prepare the images yourself.`,
  );
}

/**
 * What `preprocessor_config.json` says of images, for HF transformers.
 * @throws ConfigError for a transform that it has no words for
 */
export function preprocessorConfig({
  contract,
  transform,
}: Pick<Description, "contract" | "transform">): Readonly<Record<string, unknown>> {
  const { height, width, short, filter } = resizingOf(transform);
  return {
    image_processor_type: "ViTImageProcessor",
    do_resize: true,
    size: short === undefined ? { height, width } : { shortest_edge: short },
    resample: resampleOf[filter],
    ...(short !== undefined && { do_center_crop: true, crop_size: { height, width } }),
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: contract.mean,
    image_std: contract.std,
  };
}
