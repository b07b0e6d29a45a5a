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
  /** DeiT's second token, behind the class token. */
  readonly hasDistillationToken: boolean;
  /** Tokens between those and the patches that belong to no place in the image. */
  readonly registers: number;
  /** Whether the tokens before the patches have position embeddings too. */
  readonly hasPrefixPositions: boolean;
  /** What becomes of the tokens: class token (with DeiT's second one: the mean of both) or mean of the patch tokens. */
  readonly pool: "token" | "avg";
  /** The last normalisation: `norm` of every token before the pooling, or `fc_norm` of the pooled features. */
  readonly finalNorm: "norm" | "fc_norm";
  readonly qkvBias: boolean;
  readonly patchBias: boolean;
  /** A norm of all tokens before the first block, CLIP's `ln_pre`. */
  readonly hasPreNorm: boolean;
  /** Whether a learned scale per channel, `ls1.gamma` and `ls2.gamma`, follows each branch. */
  readonly hasLayerScale: boolean;
  /** The ε of every LayerNorm. */
  readonly eps: number;
  /** Between the two maps of the MLP. */
  readonly activation: Activation;
}

/** The exact GELU, `x Φ(x)`; its approximation by tanh; CLIP's `x / (1 + e^(−1.702 x))`. */
export type Activation = "gelu" | "gelu-tanh" | "quick-gelu";

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
type Size = "tiny" | "small" | "base" | "large";
type Changes = Partial<Architecture> & Pick<Architecture, "imageSize" | "patchSize">;

const square = (size: number, patchSize: number, changes: Partial<Architecture> = {}): Changes => ({
  ...changes,
  imageSize: [size, size],
  patchSize,
});

const clip = { hasPreNorm: true, patchBias: false, eps: 1e-5 } as const;
const dinov2 = { hasLayerScale: true } as const;
const registers = { ...dinov2, registers: 4, hasPrefixPositions: false } as const;

/** Architectures by name, with what they have beside the sizes of their family. */
const named: ReadonlyMap<string, () => Architecture> = new Map(
  [
    ...(["tiny", "small", "base", "large"] as const).flatMap((size) =>
      [8, 16, 32].flatMap((patch) =>
        [224, 384].map((pixels) => entry(size, `vit_${size}_patch${patch}_${pixels}`, square(pixels, patch))),
      ),
    ),
    ...(["small", "base", "large"] as const).flatMap((size) => [
      entry(size, `vit_${size}_patch14_dinov2`, square(518, 14, dinov2)),
      entry(size, `vit_${size}_patch14_reg4_dinov2`, square(518, 14, registers)),
    ]),
    ...(
      [
        ["base", 16],
        ["base", 32],
        ["large", 14],
      ] as const
    ).flatMap(([size, patch]) =>
      (["gelu", "quick-gelu"] as const).map((activation) => {
        const word = activation === "gelu" ? "clip" : "clip_quickgelu";
        return entry(size, `vit_${size}_patch${patch}_${word}_224`, square(224, patch, { ...clip, activation }));
      }),
    ),
    ...(["tiny", "small", "base"] as const).flatMap((size) => [
      entry(size, `deit_${size}_patch16_224`, square(224, 16)),
      entry(size, `deit_${size}_distilled_patch16_224`, square(224, 16, { hasDistillationToken: true })),
    ]),
    entry("base", "deit_base_patch16_384", square(384, 16)),
    entry("base", "deit_base_distilled_patch16_384", square(384, 16, { hasDistillationToken: true })),
    ...(["small", "base", "large"] as const).flatMap((size) =>
      [224, 384].map((pixels) =>
        entry(
          size,
          `deit3_${size}_patch16_${pixels}`,
          square(pixels, 16, { hasLayerScale: true, hasPrefixPositions: false }),
        ),
      ),
    ),
    // This project's own small network, for trainings from nothing.
    entry("tiny", "vit_sas_mini_patch8_64", square(64, 8, { blocks: 6 })),
  ].map(([name, build]) => [name, build]),
);

function entry(size: Size, name: string, changes: Changes): readonly [string, () => Architecture] {
  return [name, () => customArchitecture({ name, ...families[`vit_${size}`], ...changes })];
}

/** The names `architectureOf` knows, as timm writes them. */
export const architectureNames: readonly string[] = [...named.keys()];

/**
 * The architecture of a name such as `vit_tiny_patch16_224`; a pretraining tag behind a dot (`.augreg_in21k`) says
 * nothing about it and is ignored. It has no head: `classes` is 0.
 * @throws ConfigError where the name is not known; the message lists the nearest ones
 */
export function architectureOf(name: string): Architecture {
  const plain = (name.split(".")[0] ?? "").slice(0, 60);
  const build = named.get(plain);
  if (build) return build();
  throw new ConfigError(
    `architecture ${JSON.stringify(name.slice(0, 80))} is not known. ${suggest(plain, architectureNames)} Most are vit_{tiny,small,base,large}_patch{8,16,32}_{224,384}; beside them vit_*_dinov2, vit_*_clip_*, deit_* and deit3_*.`,
  );
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
    hasDistillationToken: false,
    registers: 0,
    hasPrefixPositions: true,
    finalNorm: pool === "avg" ? "fc_norm" : "norm",
    qkvBias: true,
    patchBias: true,
    hasPreNorm: false,
    hasLayerScale: false,
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

type Prefix = Pick<Architecture, "hasClassToken" | "hasDistillationToken" | "registers">;

/** Tokens before the patches: class token, distillation token, registers. */
export const prefixTokensOf = (a: Prefix): number =>
  (a.hasClassToken ? 1 : 0) + (a.hasDistillationToken ? 1 : 0) + a.registers;

/** Those of them that have a position embedding. */
export const prefixPositionsOf = (a: Prefix & Pick<Architecture, "hasPrefixPositions">): number =>
  a.hasPrefixPositions ? prefixTokensOf(a) : 0;

/** Tokens that travel through the blocks: the patches, and those before them. */
export const tokensOf = (a: Architecture): number => elementCount(gridOf(a)) + prefixTokensOf(a);

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
    ...(a.hasLayerScale ? [{ name: `${name}.ls1.gamma`, shape: [width] }] : []),
    ...norm(`${name}.norm2`),
    ...linear(`${name}.mlp.fc1`, hidden, width),
    ...linear(`${name}.mlp.fc2`, width, hidden),
    ...(a.hasLayerScale ? [{ name: `${name}.ls2.gamma`, shape: [width] }] : []),
  ];
  return [
    ...(a.hasClassToken ? [{ name: "cls_token", shape: [1, 1, width] }] : []),
    ...(a.hasDistillationToken ? [{ name: "dist_token", shape: [1, 1, width] }] : []),
    ...(a.registers > 0 ? [{ name: "reg_token", shape: [1, a.registers, width] }] : []),
    { name: "pos_embed", shape: [1, elementCount(gridOf(a)) + prefixPositionsOf(a), width] },
    { name: "patch_embed.proj.weight", shape: [width, a.channels, a.patchSize, a.patchSize] },
    ...(a.patchBias ? [{ name: "patch_embed.proj.bias", shape: [width] }] : []),
    ...(a.hasPreNorm ? norm("norm_pre") : []),
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
  const patches = width * (a.channels * a.patchSize ** 2 + (a.patchBias ? 1 : 0));
  const tokens = width * (elementCount(gridOf(a)) + prefixPositionsOf(a) + prefixTokensOf(a));
  const block = 2 * norm + attention + mlp + (a.hasLayerScale ? 2 * width : 0);
  const norms = a.hasPreNorm ? 2 * norm : norm;
  return patches + tokens + a.blocks * block + norms + (head ? a.classes * (width + 1) : 0);
}
