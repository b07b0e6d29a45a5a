import type { Value } from "../graph/value.js";

/** A frozen linear map of a block, by its name in timm. */
export type Place = "attn.qkv" | "attn.proj" | "mlp.fc1" | "mlp.fc2";

/** One linear map of the network: where a method may attach. */
export interface Site {
  readonly block: number;
  readonly place: Place;
}

/**
 * What becomes of the input `x` of a linear map: `x′ = x + (x down) up + x ⊙ scale + shift`. It does not depend on `x`, so it
 * folds into the map; the network and the merge both go by it.
 */
export interface InputChange {
  /** `[width, rank]`, together with `up` */
  readonly down?: Value;
  /** `[rank, width]` */
  readonly up?: Value;
  /** `[width]` */
  readonly scale?: Value;
  /** `[width]` */
  readonly shift?: Value;
}

/** A method's answers to the network. What it does not answer stays frozen. */
export interface Adaptation {
  /** The value to use for a tensor of the checkpoint (canonical name), instead of the frozen one. */
  tensor?(name: string): Value | undefined;
  /** What happens to the input of a linear map. */
  input?(site: Site): InputChange | undefined;
}
