import { ConfigError, suggest } from "../errors.js";
import { elementCount, type Shape } from "../graph/tensor.js";

/**
 * A Vision Transformer of the timm kind, as numbers.
 * @see https://github.com/huggingface/pytorch-image-models `timm/models/vision_transformer.py`
 */
export interface Architecture {
  /** Its name in timm, where it has one. */
  readonly name?: string;
  /** Pixels of the images the position embeddings belong to; multiples of `patchSize`. */
  readonly imageSize: readonly [height: number, width: number];
  /** Pixels along each side of a patch. */
  readonly patchSize: number;
  readonly channels: number;
  /** Numbers per token. */
  readonly width: number;
  readonly blocks: number;
  readonly heads: number;
  /** Numbers per token inside the MLP. */
  readonly hidden: number;
  /** Outputs of the head; 0 for a network without one. */
  readonly classes: number;
  readonly hasClassToken: boolean;
  /** What becomes of the tokens: the class token is taken, or the mean of the patch tokens. */
  readonly pool: "token" | "avg";
  /** The last normalisation: `norm` of every token before the pooling, or `fc_norm` of the pooled features. */
  readonly finalNorm: "norm" | "fc_norm";
  readonly qkvBias: boolean;
  /** The ε of every LayerNorm. */
  readonly eps: number;
  /** Between the two maps of the MLP: the exact GELU, `x · Φ(x)`. */
  readonly activation: "gelu";
}

/** A tensor of the network under its canonical name, which is timm's. */
export interface Parameter {
  readonly name: string;
  readonly shape: Shape;
}

const families = {
  vit_tiny: { width: 192, blocks: 12, heads: 3 },
  vit_small: { width: 384, blocks: 12, heads: 6 },
  vit_base: { width: 768, blocks: 12, heads: 12 },
  vit_large: { width: 1024, blocks: 24, heads: 16 },
} as const;
type Family = keyof typeof families;

/** The names `architectureOf` knows, as timm writes them. */
export const architectureNames: readonly string[] = Object.keys(families).flatMap((family) =>
  [8, 16, 32].flatMap((patch) => [224, 384].map((size) => `${family}_patch${patch}_${size}`)),
);

/**
 * The architecture of a name such as `vit_tiny_patch16_224`; a pretraining tag behind a dot (`.augreg_in21k`) says
 * nothing about it and is ignored. It has no head: `classes` is 0.
 * @throws ConfigError where the name is not known; the message lists the nearest ones
 */
export function architectureOf(name: string): Architecture {
  const plain = (name.split(".")[0] ?? "").slice(0, 60);
  if (!architectureNames.includes(plain)) {
    throw new ConfigError(
      `architecture ${JSON.stringify(name)} is not known. ${suggest(plain, architectureNames)} All are vit_{tiny,small,base,large}_patch{8,16,32}_{224,384}.`,
    );
  }
  const [, family, patchSize, size] = /^(vit_[a-z]+)_patch(\d+)_(\d+)$/.exec(plain) as unknown as string[];
  const sizes = families[family as Family];
  return customArchitecture({
    name: plain,
    imageSize: [Number(size), Number(size)],
    patchSize: Number(patchSize),
    ...sizes,
  });
}

/** An architecture from its sizes; what is left out is as in timm's `VisionTransformer`, without a head. */
export function customArchitecture(
  given: Partial<Architecture> & Pick<Architecture, "imageSize" | "patchSize" | "width" | "blocks" | "heads">,
): Architecture {
  const pool = given.pool ?? "token";
  return {
    channels: 3,
    hidden: 4 * given.width,
    classes: 0,
    hasClassToken: true,
    finalNorm: pool === "avg" ? "fc_norm" : "norm",
    qkvBias: true,
    eps: 1e-6,
    activation: "gelu",
    ...given,
    pool,
  };
}

/** The family the sizes belong to (`vit_small`), or the sizes in words where there is none. */
export function familyOf(a: Pick<Architecture, "width" | "blocks">): string {
  const found = Object.entries(families).find(([, f]) => f.width === a.width && f.blocks === a.blocks);
  return found?.[0] ?? `a ViT of width ${a.width} with ${a.blocks} blocks`;
}

/** Patches along the height and the width. */
export const gridOf = (a: Pick<Architecture, "imageSize" | "patchSize">): readonly [rows: number, columns: number] => [
  Math.floor(a.imageSize[0] / a.patchSize),
  Math.floor(a.imageSize[1] / a.patchSize),
];

/** Tokens that travel through the blocks: the patches, and the class token where there is one. */
export const tokensOf = (a: Architecture): number => elementCount(gridOf(a)) + (a.hasClassToken ? 1 : 0);

/**
 * All tensors of the network in canonical order, with timm's names and shapes (linear maps are `[out, in]`), the head
 * (`head.weight`, `head.bias`) last. The reader, the network, `full`, and the hash all go by this list.
 */
export function parametersOf(a: Architecture): readonly Parameter[] {
  const { width, hidden } = a;
  const norm = (name: string): Parameter[] => [
    { name: `${name}.weight`, shape: [width] },
    { name: `${name}.bias`, shape: [width] },
  ];
  const linear = (name: string, outputs: number, inputs: number, bias = true): Parameter[] => [
    { name: `${name}.weight`, shape: [outputs, inputs] },
    ...(bias ? [{ name: `${name}.bias`, shape: [outputs] }] : []),
  ];
  const block = (name: string): Parameter[] => [
    ...norm(`${name}.norm1`),
    ...linear(`${name}.attn.qkv`, 3 * width, width, a.qkvBias),
    ...linear(`${name}.attn.proj`, width, width),
    ...norm(`${name}.norm2`),
    ...linear(`${name}.mlp.fc1`, hidden, width),
    ...linear(`${name}.mlp.fc2`, width, hidden),
  ];
  return [
    ...(a.hasClassToken ? [{ name: "cls_token", shape: [1, 1, width] }] : []),
    { name: "pos_embed", shape: [1, tokensOf(a), width] },
    { name: "patch_embed.proj.weight", shape: [width, a.channels, a.patchSize, a.patchSize] },
    { name: "patch_embed.proj.bias", shape: [width] },
    ...Array.from({ length: a.blocks }, (_, i) => block(`blocks.${i}`)).flat(),
    ...norm(a.finalNorm),
    ...(a.classes > 0 ? linear("head", a.classes, width) : []),
  ];
}

/** The modules of the network without its head, by the name their weight and bias share, with the sizes of their kernels (1 input for a norm). */
export const modulesOf = (
  a: Architecture,
): readonly { readonly name: string; readonly outputs: number; readonly inputs: number }[] =>
  parametersOf(a)
    .filter(({ name }) => name.endsWith(".weight") && !isHead(name))
    .map(({ name, shape }) => ({
      name: name.slice(0, -".weight".length),
      outputs: shape[0] as number,
      inputs: elementCount(shape.slice(1)),
    }));

/** True for the tensors of the head, which belongs to a task and not to the backbone. */
export const isHead = (name: string): boolean => name.startsWith("head.");

/** Number of parameters by formula, without the head unless asked for; ViT-B/16 at 224 px has 85 798 656. */
export function parameterCount(a: Architecture, { head = false } = {}): number {
  const { width, hidden } = a;
  const norm = 2 * width;
  const attention = 4 * width * width + width + (a.qkvBias ? 3 * width : 0);
  const mlp = 2 * width * hidden + hidden + width;
  const embedding = width * (a.channels * a.patchSize ** 2 + 1) + width * (tokensOf(a) + (a.hasClassToken ? 1 : 0));
  return embedding + a.blocks * (2 * norm + attention + mlp) + norm + (head ? a.classes * (width + 1) : 0);
}
