import { FormatError } from "../errors.js";
import { elementCount, type Shape } from "../graph/tensor.js";
import {
  type Architecture,
  architectureNames,
  architectureOf,
  customArchitecture,
  familyOf,
  gridOf,
} from "./architecture.js";
import type { BackboneConfig } from "./config.js";

type Shapes = ReadonlyMap<string, Shape>;

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
    qkvBias: shapes.has("blocks.0.attn.qkv.bias"),
  };
  checkAgainstConfig(sizes, { ...known, ...defined(stated) }, config?.architecture, file);

  const patches = rows - (hasClassToken ? 1 : 0);
  const fits = (size: Architecture["imageSize"] | undefined): size is Architecture["imageSize"] =>
    size?.every((side) => side % patchSize === 0) === true &&
    elementCount(gridOf({ imageSize: size, patchSize })) === patches;
  const side = Math.round(Math.sqrt(patches)) * patchSize;
  const imageSize = [stated.imageSize, known?.imageSize, [side, side] as const].find(fits);
  if (!imageSize) {
    throw new FormatError(
      `${file}: pos_embed: expected a row for each patch${hasClassToken ? " and the class token" : ""}, got ${rows} rows, which make no grid of ${patchSize}-pixel patches. State the image size as "model_args": {"img_size": [height, width]} in config.json.`,
    );
  }
  if (stated.imageSize && stated.imageSize !== imageSize) {
    warnings.push(
      `The config says images of ${stated.imageSize.join(" × ")} pixels, the position embeddings are for ${imageSize.join(" × ")}; these are taken.`,
    );
  }
  const heads = stated.heads ?? known?.heads ?? Math.max(1, Math.floor(width / usualHeadWidth));
  if (width % heads !== 0) {
    throw new FormatError(
      `${file}: expected a width that ${heads} heads can share, got ${width}. State the number of heads as "model_args": {"num_heads": …} in config.json.`,
    );
  }
  if (stated.heads === undefined && !known) {
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
      heads,
      pool,
      finalNorm,
      eps: stated.eps ?? 1e-6,
      // A name whose sizes were overridden one by one is no name any more.
      ...(name && (!known || (familyOf(known) === familyOf(sizes) && known.patchSize === patchSize)) ? { name } : {}),
    }),
    warnings,
  };
}

/** A shape as messages print it: `[192, 576]`. */
export const printShape = (shape: Shape): string => `[${shape.join(", ")}]`;

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

type Sizes = Pick<Architecture, "width" | "hidden" | "patchSize" | "blocks" | "hasClassToken" | "qkvBias">;

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
  ] as const) {
    if (expected[key] !== got[key])
      throw letter(tensor, expected[key] ? "a tensor" : "none", got[key] ? "one" : "none");
  }
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
const defined = <T extends object>(entries: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as never;
