import { ConfigError } from "../errors.js";
import type { Tensor } from "../graph/tensor.js";
import { type Architecture, gridOf, isHead, prefixPositionsOf } from "../vit/architecture.js";
import type { Weights } from "../vit/checkpoint.js";
import { resizePositions } from "../vit/position.js";

/** A network for images of one size and one task, with the pretrained tensors it starts from. */
export interface Network {
  /** Its `classes` are the task's. */
  readonly architecture: Architecture;
  /** The backbone's tensors by name; the head is not among them. */
  readonly weights: (name: string) => Tensor;
}

/**
 * The architecture for another image size and another task.
 * @throws ConfigError where the size is not made of whole patches
 */
export function fitArchitecture(
  architecture: Architecture,
  imageSize: readonly [height: number, width: number],
  classes: number,
): Architecture {
  const { patchSize } = architecture;
  if (imageSize.some((size) => size % patchSize !== 0)) {
    const near = Math.max(1, Math.round(imageSize[0] / patchSize)) * patchSize;
    throw new ConfigError(
      `imageSize: the network cuts images into patches of ${patchSize} x ${patchSize}, got ${imageSize.join(" x ")}. Try ${near}.`,
    );
  }
  return { ...architecture, imageSize, classes };
}

/**
 * The backbone for another image size and without its head: position embeddings are resized, all else stays.
 * @throws ConfigError where the size is not made of whole patches
 */
export function fitNetwork(
  { architecture, weights }: { readonly architecture: Architecture; readonly weights: Weights },
  imageSize: readonly [height: number, width: number],
  classes: number,
): Network {
  const fitted = fitArchitecture(architecture, imageSize, classes);
  const positions = weights.get("pos_embed");
  const prefix = prefixPositionsOf(architecture);
  const resized = positions && resizePositions(positions, gridOf(architecture), gridOf(fitted), prefix);
  return {
    architecture: fitted,
    weights(name) {
      const tensor = name === "pos_embed" ? resized : isHead(name) ? undefined : weights.get(name);
      if (tensor === undefined) throw new Error(`the backbone has no tensor ${name}`);
      return tensor;
    },
  };
}
