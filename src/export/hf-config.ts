import { parseTransform } from "../data/transform.js";
import { ConfigError } from "../errors.js";
import type { Resizing } from "../onnx/resized-model.js";
import type { Architecture } from "../vit/architecture.js";
import type { Description } from "./description.js";

/**
 * What HF's `config.json` says of a ViT with a head.
 * @throws ConfigError where HF's ViT cannot be this network
 * @see https://huggingface.co/docs/transformers/model_doc/vit
 */
export function hfConfig(a: Architecture, classes: readonly string[]): Readonly<Record<string, unknown>> {
  const refuse = (what: string): never => {
    throw new ConfigError(
      `this network ${what}, HF's ViT does not. Take --format onnx, or safetensors with --names timm.`,
    );
  };
  if (a.pool !== "token" || !a.hasClassToken) refuse("pools its patch tokens");
  if (a.finalNorm !== "norm") refuse("normalises behind the pooling");
  return {
    architectures: ["ViTForImageClassification"],
    model_type: "vit",
    hidden_size: a.width,
    num_hidden_layers: a.blocks,
    num_attention_heads: a.heads,
    intermediate_size: a.hidden,
    hidden_act: "gelu",
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
