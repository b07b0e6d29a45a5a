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

/**
 * The contract of a network: what the checkpoint states, and timm's defaults for the rest (mean and std 0.5, bicubic,
 * the whole centre), with a warning where mean and std had to be guessed.
 * @param imageSize of the position embeddings, which decide where the checkpoint states another one
 */
export function completeContract(
  stated: StatedContract,
  imageSize: DataContract["imageSize"],
): { readonly contract: DataContract; readonly warnings: readonly string[] } {
  const half = [0.5, 0.5, 0.5];
  const { mean, std, classNames } = stated;
  const missing = [...(mean ? [] : ["mean"]), ...(std ? [] : ["std"])];
  return {
    contract: {
      imageSize,
      mean: mean ?? half,
      std: std ?? half,
      interpolation: stated.interpolation ?? "bicubic",
      cropFraction: stated.cropFraction ?? 1,
      cropMode: stated.cropMode ?? "center",
      ...(classNames ? { classNames } : {}),
    },
    warnings:
      missing.length === 0
        ? []
        : [`The checkpoint states no ${missing.join(" and no ")}; 0.5 is taken, which fits supervised ViTs of timm.`],
  };
}
