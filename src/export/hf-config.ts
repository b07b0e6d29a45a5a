import type { Step } from "../data/transform.js";
import { ConfigError } from "../errors.js";
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
 * transformers.js resizes with `sharp`: its bilinear and bicubic look at the nearest pixels alone, however much smaller the
 * image becomes; Lanczos looks at all of them, as Pillow's filters do.
 */
const lanczos = 1;

/**
 * What `preprocessor_config.json` says of images: the transform in HF's words.
 * @param reader who goes by it: each has its own resize
 * @throws ConfigError for a transform that HF has no words for
 */
export function preprocessorConfig(
  { contract, transform: sentence }: Pick<Description, "contract" | "transform">,
  transform: readonly Step[],
  reader: "transformers" | "transformers.js",
): Readonly<Record<string, unknown>> {
  const [first, resize, crop, ...rest] = transform;
  const isKnown =
    first?.name === "decode" &&
    rest.length === 0 &&
    ((resize?.name === "resize" && crop === undefined) ||
      (resize?.name === "resize-short" && crop?.name === "center-crop"));
  if (!isKnown) {
    throw new ConfigError(
      `the evaluation transform is ${sentence}; HF's image processors know decode|resize(…) and decode|resize-short(…)|center-crop(…). Take --format onnx and prepare the images yourself.`,
    );
  }
  return {
    image_processor_type: "ViTImageProcessor",
    do_resize: true,
    size: resize.name === "resize" ? { height: resize.height, width: resize.width } : { shortest_edge: resize.size },
    resample: reader === "transformers" ? resampleOf[resize.filter] : lanczos,
    ...(crop?.name === "center-crop" && {
      do_center_crop: true,
      crop_size: { height: crop.height, width: crop.width },
    }),
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: contract.mean,
    image_std: contract.std,
  };
}
