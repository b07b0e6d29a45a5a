import type { Value } from "../graph/value.js";

/** The frozen linear maps of a block, by their names in timm. */
export const places = ["attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2"] as const;
export type Place = (typeof places)[number];

/** The map that each branch of a block begins with: its input is what a method changes before a branch. */
export const branchEntries = { attn: "attn.qkv", mlp: "mlp.fc1" } as const satisfies Readonly<Record<string, Place>>;

/** One linear map of the network: where a method may attach. */
export interface Site {
  readonly block: number;
  readonly place: Place;
}

/** One of the two residual branches of a block. */
export interface Branch {
  readonly block: number;
  readonly part: "attn" | "mlp";
  /** Rows per image: all tokens, or 1 where the class token goes on alone. */
  readonly tokens: number;
}

/** What flows through a branch, `[rows, width]`. */
export interface Flow {
  /** The stream before the branch and before its norm. */
  readonly stream: Value;
  /** The stream behind the branch's norm. */
  readonly normed: () => Value;
  /** What the branch adds. */
  readonly output: Value;
  /** Dropout inside what the method adds, to be called once; `x` itself where there is none. */
  readonly drop: (x: Value) => Value;
}

/** A low-rank change `(x down) up` written so that dropout can act between the factors: `drop(x down + bias) up + shift`. */
export interface Dropped {
  /** `[in, inner]` */
  readonly down: Value;
  /** `[inner, out]` */
  readonly up: Value;
  /** `[inner]` */
  readonly bias?: Value;
  /** `[out]`, in place of the shift that goes with the other form. */
  readonly shift?: Value;
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
  /** How the same is computed while training with dropout. */
  readonly dropout?: Dropped;
}

/** What is added to the output of a linear map: `y + (x down) up`, where `x` is the map's input before any change. */
export interface Delta {
  /** `[in, rank]` */
  readonly down: Value;
  /** `[rank, out]`; QKV is one map, whose thirds are q, k and v */
  readonly up: Value;
  /** Where dropout acts while training with it: on `x` before `down`, or between two factors of the same product. */
  readonly dropout?: "input" | Dropped;
}

/** What becomes of the output `y` of a linear map, a norm or the patch embedding: `y′ = y ⊙ scale + shift`, behind `Delta`. */
export interface OutputChange {
  /** `[out]` */
  readonly scale?: Value;
  /** `[out]` */
  readonly shift: Value;
}

/** A method's answers to the network. What it does not answer stays frozen. */
export interface Adaptation {
  /** The value to use for a tensor of the checkpoint (canonical name), instead of the frozen one. */
  tensor?(name: string, frozen: Value): Value | undefined;
  /** What happens to the input of a linear map. */
  input?(site: Site): InputChange | undefined;
  /** What is added to the output of a linear map. */
  delta?(site: Site): Delta | undefined;
  /** What happens to the output of a module (`blocks.3.norm1`, `patch_embed.proj`; see `modulesOf`). */
  output?(name: string): OutputChange | undefined;
  /** What a branch adds to the stream instead of its output. It need not be affine; a method that answers here does not fold. */
  branch?(branch: Branch, flow: Flow): Value;
  /** Tokens `[count, width]` that join the others before a block, in place of those that joined before. They do not fold. */
  prompts?(block: number): Value | undefined;
}
