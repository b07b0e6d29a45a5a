import { FormatError } from "../errors.js";
import { elementCount, type Shape } from "../graph/tensor.js";
import {
  type Activation,
  type Architecture,
  architectureNames,
  architectureOf,
  customArchitecture,
  familyOf,
  gridOf,
  prefixTokensOf,
} from "./architecture.js";
import type { BackboneConfig } from "./config.js";

type Shapes = ReadonlyMap<string, Shape>;

/** What the names of a checkpoint tell of it where neither shapes nor config do. */
export interface Hints {
  readonly heads?: number | undefined;
  readonly eps?: number | undefined;
  readonly activation?: Activation | undefined;
  readonly hasPrefixPositions?: boolean | undefined;
}

/** Head width of every timm ViT of the usual kind; taken where nothing states the number of heads. */
const usualHeadWidth = 64;

/**
 * The architecture behind tensors with canonical names: sizes from the shapes, the rest from the config.
 * @throws FormatError where shapes and config contradict each other, or one cannot be a ViT's
 */
export function deriveArchitecture(
  shapes: Shapes,
  config: BackboneConfig | undefined,
  file: string,
  hints: Hints = {},
): { readonly architecture: Architecture; readonly warnings: readonly string[] } {
  const warnings: string[] = [];
  const stated = config?.stated ?? {};
  const name = config?.architecture?.split(".")[0];
  const known = name && architectureNames.includes(name) ? architectureOf(name) : undefined;
  // Any name that starts as timm's may be a ViT of other sizes; anything else is another kind of network.
  if (name && !known && !/^(vit|deit)/.test(name)) {
    throw new FormatError(
      `${file}: the config says ${JSON.stringify(name.slice(0, 60))}, which is no Vision Transformer that is read here, but the tensors are a ViT's. Mend config.json, or take the files of one network.`,
    );
  }

  const [width, channels, patchSize, patchWidth] = shapeOf(shapes, "patch_embed.proj.weight", 4, file);
  if (channels !== 3 || patchSize !== patchWidth) {
    throw new FormatError(
      `${file}: patch_embed.proj: expected [width, 3, patch, patch], got ${printShape([width, channels, patchSize, patchWidth])}. Only networks of RGB images with square patches are read.`,
    );
  }
  const [hidden] = shapeOf(shapes, "blocks.0.mlp.fc1.weight", 2, file);
  refuseGatedMlp(shapes, hidden, file);
  const [, rows] = shapeOf(shapes, "pos_embed", 3, file);
  const hasClassToken = shapes.has("cls_token");
  const sizes = {
    width,
    channels,
    patchSize,
    hidden,
    blocks: blockCount(shapes),
    classes: shapes.has("head.weight") ? shapeOf(shapes, "head.weight", 2, file)[0] : 0,
    hasClassToken,
    hasDistillationToken: shapes.has("dist_token"),
    registers: shapes.has("reg_token") ? shapeOf(shapes, "reg_token", 3, file)[1] : 0,
    qkvBias: shapes.has("blocks.0.attn.qkv.bias"),
    patchBias: shapes.has("patch_embed.proj.bias"),
    hasPreNorm: shapes.has("norm_pre.weight"),
    hasLayerScale: shapes.has("blocks.0.ls1.gamma"),
  };
  checkAgainstConfig(sizes, { ...known, ...defined(stated) }, config?.architecture, file);

  const { imageSize, hasPrefixPositions } =
    findPositions(sizes, rows, { ...known, ...defined(hints), ...defined(stated) }, known) ?? {};
  if (!imageSize || hasPrefixPositions === undefined) {
    throw new FormatError(
      `${file}: pos_embed: expected a row for each patch${hasClassToken ? " and the class token" : ""}, got ${rows} rows, which make no grid of ${patchSize}-pixel patches. State the image size as "model_args": {"img_size": [height, width]} in config.json.`,
    );
  }
  if (stated.imageSize && stated.imageSize !== imageSize) {
    warnings.push(
      `The config says images of ${stated.imageSize.join(" × ")} pixels, the position embeddings are for ${imageSize.join(" × ")}; these are taken.`,
    );
  }
  const heads = stated.heads ?? known?.heads ?? hints.heads ?? Math.max(1, Math.floor(width / usualHeadWidth));
  if (width % heads !== 0) {
    throw new FormatError(
      `${file}: expected a width that ${heads} heads can share, got ${width}. State the number of heads as "model_args": {"num_heads": …} in config.json.`,
    );
  }
  if (stated.heads === undefined && !known && hints.heads === undefined) {
    warnings.push(
      `The checkpoint does not state its number of heads; ${heads} are taken, ${width / heads} numbers wide.`,
    );
  }
  const finalNorm = shapes.has("fc_norm.weight") ? "fc_norm" : "norm";
  const pool = stated.pool ?? (finalNorm === "fc_norm" || !hasClassToken ? "avg" : "token");
  if (pool === "token" && !hasClassToken) {
    throw new FormatError(
      `${file}: the config takes the class token, but there is no cls_token. State "global_pool": "avg".`,
    );
  }
  return {
    architecture: customArchitecture({
      ...sizes,
      imageSize,
      hasPrefixPositions,
      heads,
      pool,
      finalNorm,
      eps: stated.eps ?? known?.eps ?? hints.eps ?? (sizes.hasPreNorm ? 1e-5 : 1e-6),
      activation: stated.activation ?? known?.activation ?? hints.activation ?? "gelu",
      // A name whose sizes were overridden one by one is no name any more.
      ...(name && (!known || (familyOf(known) === familyOf(sizes) && known.patchSize === patchSize)) ? { name } : {}),
    }),
    warnings,
  };
}

/** A shape as messages print it: `[192, 576]`. */
export const printShape = (shape: Shape): string => `[${shape.join(", ")}]`;

/** The grid the rows of the position embeddings make, and whether tokens before the patches have one too. */
function findPositions(
  sizes: Pick<Architecture, "patchSize" | "hasClassToken" | "hasDistillationToken" | "registers">,
  rows: number,
  said: Partial<Pick<Architecture, "imageSize" | "hasPrefixPositions">>,
  known: Architecture | undefined,
): Pick<Architecture, "imageSize" | "hasPrefixPositions"> | undefined {
  const { patchSize } = sizes;
  const first = said.hasPrefixPositions ?? true;
  const candidates = [first, !first].map((hasPrefixPositions) => ({
    hasPrefixPositions,
    patches: rows - (hasPrefixPositions ? prefixTokensOf(sizes) : 0),
  }));
  for (const given of [said.imageSize, known?.imageSize, undefined]) {
    for (const { hasPrefixPositions, patches } of candidates) {
      const side = Math.round(Math.sqrt(Math.max(0, patches))) * patchSize;
      const imageSize = given ?? ([side, side] as const);
      const fits =
        patches > 0 &&
        imageSize.every((size) => size % patchSize === 0) &&
        elementCount(gridOf({ imageSize, patchSize })) === patches;
      if (fits) return { imageSize, hasPrefixPositions };
    }
  }
  return undefined;
}

/** Refuses a SwiGLU, whose first map makes twice as many numbers as the second one takes. */
function refuseGatedMlp(shapes: Shapes, hidden: number, file: string): void {
  if (shapes.get("blocks.0.mlp.fc2.weight")?.[1] !== hidden / 2) return;
  throw new FormatError(
    `${file}: blocks.0.mlp.fc2.weight: expected ${hidden} inputs, got ${hidden / 2}. A gated MLP (SwiGLU, as in DINOv2 giant) is not read; take a smaller network of the family.`,
  );
}

/** The tensor that shows a size, and its shape where the size is as given. */
const shownBy: readonly [
  keyof Architecture,
  string,
  (a: Pick<Architecture, "width" | "hidden" | "patchSize">) => Shape,
][] = [
  ["width", "blocks.0.attn.qkv.weight", (a) => [3 * a.width, a.width]],
  ["hidden", "blocks.0.mlp.fc1.weight", (a) => [a.hidden, a.width]],
  ["patchSize", "patch_embed.proj.weight", (a) => [a.width, 3, a.patchSize, a.patchSize]],
];

type Sizes = Pick<
  Architecture,
  | "width"
  | "hidden"
  | "patchSize"
  | "blocks"
  | "hasClassToken"
  | "qkvBias"
  | "hasDistillationToken"
  | "registers"
  | "hasPreNorm"
>;

/** Holds what the tensors show against what the config says; whatever it leaves out is right. */
function checkAgainstConfig(got: Sizes, said: Partial<Architecture>, name: string | undefined, file: string): void {
  const expected = { ...got, ...said };
  const letter = (place: string, want: string, have: string): FormatError => {
    const [these, that] = [familyOf(got), familyOf(expected)];
    const both =
      these === that
        ? `The config${name ? ` (${name})` : ""} is of another network`
        : `These weights are ${these}; the config says ${that}`;
    return new FormatError(`${file}: ${place}: expected ${want}, got ${have}. ${both}.`);
  };
  for (const [key, tensor, shape] of shownBy) {
    if (expected[key] !== got[key as keyof Sizes])
      throw letter(tensor, printShape(shape(expected)), printShape(shape(got)));
  }
  if (expected.blocks !== got.blocks) throw letter("blocks", `${expected.blocks}`, `${got.blocks}`);
  for (const [key, tensor] of [
    ["hasClassToken", "cls_token"],
    ["qkvBias", "blocks.0.attn.qkv.bias"],
    ["hasDistillationToken", "dist_token"],
    ["hasPreNorm", "norm_pre.weight"],
  ] as const) {
    if (expected[key] !== got[key])
      throw letter(tensor, expected[key] ? "a tensor" : "none", got[key] ? "one" : "none");
  }
  if (expected.registers !== got.registers) throw letter("reg_token", `${expected.registers}`, `${got.registers}`);
}

/** The shape of a tensor that tells a size. @throws FormatError where it is missing or has another number of axes */
function shapeOf(shapes: Shapes, name: string, rank: 2 | 3 | 4, file: string): [number, number, number, number] {
  const shape = shapes.get(name);
  if (!shape || shape.length !== rank || shape.includes(0)) {
    throw new FormatError(
      `${file}: ${name}: expected ${rank} axes, got ${shape ? printShape(shape) : "nothing"}. The file is no Vision Transformer or incomplete.`,
    );
  }
  return shape as unknown as [number, number, number, number];
}

/** Blocks are numbered from 0 without a gap; what comes behind a gap is left over and reported as such. */
function blockCount(shapes: Shapes): number {
  const numbers = new Set([...shapes.keys()].map((name) => /^blocks\.(\d+)\./.exec(name)?.[1]));
  let count = 0;
  while (numbers.has(`${count}`)) count++;
  return count;
}

/** The entries that have a value. */
export const defined = <T extends object>(entries: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as never;
