/** How images must be prepared for a network: part of what was trained, so it stays beside the weights. */
export interface DataContract {
  /** Pixels of the network's input. */
  readonly imageSize: readonly [height: number, width: number];
  /** Per channel, of pixels scaled to [0, 1]; the network sees `(x − mean) / std`. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly interpolation: Interpolation;
  /** Which part of the resized image's side the crop keeps, in (0, 1]. */
  readonly cropFraction: number;
  /** How the crop is made: `center` keeps the aspect, `squash` stretches the image, `border` pads it. */
  readonly cropMode: CropMode;
  /** Names of the head's classes, in its order, where they are known. */
  readonly classNames?: readonly string[];
}

export const interpolations = ["bicubic", "bilinear", "nearest", "lanczos"] as const;
export type Interpolation = (typeof interpolations)[number];

export const cropModes = ["center", "squash", "border"] as const;
export type CropMode = (typeof cropModes)[number];

/** What a checkpoint may say of its contract; anything may be missing. */
export type StatedContract = { readonly [K in keyof DataContract]?: DataContract[K] | undefined };

/** How a network was trained before, as far as its images tell. */
export type Pretraining = "vit" | "clip" | "dino" | "dinov2" | "deit" | "mae";

const imageNet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
/** Whole centre, and the middle 224 of 256 pixels. */
const [whole, middle] = [1, 0.875] as const;

/**
 * What each kind of network was shown.
 * @see the evaluation transforms of google-research/vision_transformer, openai/CLIP, facebookresearch/dino, dinov2, deit, mae
 */
const shown: Readonly<Record<Pretraining, Pick<DataContract, "mean" | "std" | "cropFraction">>> = {
  vit: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], cropFraction: whole },
  clip: {
    mean: [0.48145466, 0.4578275, 0.40821073],
    std: [0.26862954, 0.26130258, 0.27577711],
    cropFraction: whole,
  },
  dino: { ...imageNet, cropFraction: middle },
  dinov2: { ...imageNet, cropFraction: whole },
  deit: { ...imageNet, cropFraction: middle },
  mae: { ...imageNet, cropFraction: middle },
};

/**
 * The contract of a network: what the checkpoint states, and for the rest what networks of its pretraining were shown
 * (bicubic, the centre), with a warning where mean and std had to be guessed.
 * @param imageSize of the position embeddings, which decide where the checkpoint states another one
 */
export function completeContract(
  stated: StatedContract,
  imageSize: DataContract["imageSize"],
  pretraining: Pretraining = "vit",
): { readonly contract: DataContract; readonly warnings: readonly string[] } {
  const usual = shown[pretraining];
  const { mean, std, classNames } = stated;
  const missing = [...(mean ? [] : ["mean"]), ...(std ? [] : ["std"])];
  const taken =
    pretraining === "vit"
      ? "0.5 is taken, which fits supervised ViTs of timm"
      : `those of ${printed[pretraining]} are taken`;
  return {
    contract: {
      imageSize,
      mean: mean ?? usual.mean,
      std: std ?? usual.std,
      interpolation: stated.interpolation ?? "bicubic",
      cropFraction: stated.cropFraction ?? usual.cropFraction,
      cropMode: stated.cropMode ?? "center",
      ...(classNames ? { classNames } : {}),
    },
    warnings: missing.length === 0 ? [] : [`The checkpoint states no ${missing.join(" and no ")}; ${taken}.`],
  };
}

const printed = { clip: "CLIP", dino: "DINO", dinov2: "DINOv2", deit: "DeiT", mae: "MAE" } as const;
