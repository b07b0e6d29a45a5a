import { FormatError } from "../errors.js";
import { elementCount, type Shape } from "../graph/tensor.js";
import { type Architecture, familyOf, parametersOf } from "./architecture.js";
import type { BackboneConfig } from "./config.js";
import type { Pretraining } from "./contract.js";
import { deriveArchitecture } from "./derive.js";
import { type Piece, type Recognition, recognize, type Stored } from "./naming.js";

/** How a canonical tensor is made of stored ones. */
export interface Recipe {
  readonly name: string;
  readonly shape: Shape;
  readonly pieces: readonly Piece[];
  /** `chain`: the pieces lie one behind the other; `sum`: they are added. */
  readonly how: "chain" | "sum";
}

/** A checkpoint understood by its names and shapes alone: nothing of it has been read. */
export interface Plan {
  readonly architecture: Architecture;
  readonly recipes: readonly Recipe[];
  readonly unused: readonly string[];
  readonly warnings: readonly string[];
  readonly pretraining: Pretraining;
}

/**
 * How the canonical tensors of a network are made of those of a file.
 * @throws FormatError where tensors are missing, left over, or of another shape or type than they must be
 */
export function planCheckpoint(
  stored: ReadonlyMap<string, Stored>,
  config: BackboneConfig | undefined,
  file: string,
): Plan {
  const found = recognize(stored);
  if (!found) throw unknownNames(stored, file);
  refuseKinds([...found.strange, ...[...found.pieces.values()].flat().map(({ from }) => from)], file);
  const { recipes, dropped, warnings, isFolded } = adjust(found);
  const shapes = new Map([...recipes].map(([name, { shape }]) => [name, shape]));
  const { scheme, heads } = found;
  const derived = deriveArchitecture(shapes, config, file, {
    ...hintsOf(found, recipes),
    heads,
    ...(isFolded && { hasPrefixPositions: false }),
  });
  const { architecture } = derived;

  const wanted = parametersOf(architecture).map(({ name, shape }): Recipe => {
    const recipe = recipes.get(name);
    if (!recipe) throw missing(name, shape, recipes, architecture, file);
    if (shape.join() !== recipe.shape.join()) throw misfit(name, shape, recipe.shape, architecture, file);
    for (const { from } of recipe.pieces) refuseIntegers(from, stored, file);
    return recipe;
  });
  const used = new Set(wanted.flatMap(({ pieces }) => pieces.map(({ from }) => from)));
  const strange = [...recipes.values()].flatMap(({ pieces }) => pieces).filter(({ from }) => !used.has(from));
  const leftOver = [...found.strange, ...strange.map(({ from }) => from)];
  if (leftOver.length > 0) throw noPlace(leftOver, scheme.name, architecture, file);
  const pretraining = config?.pretraining ?? guessPretraining(found, architecture, config, file);
  if (scheme.activation && !config?.stated.activation) {
    warnings.push(`The checkpoint does not state its activation; ${architecture.activation} is taken.`);
  }
  return {
    architecture,
    recipes: wanted,
    unused: [...found.unneeded, ...dropped],
    warnings: [...derived.warnings, ...warnings],
    pretraining,
  };
}

/** The recipes of what was recognised, with what no network here can use taken out. */
function adjust({ pieces, unneeded }: Recognition) {
  const recipes = new Map<string, Recipe>();
  for (const [name, parts] of pieces) {
    const [{ shape = [] } = {}] = parts;
    const areThirds = parts.length === 3 && shape.length > 0 && parts.every((p) => p.shape.join() === shape.join());
    // Of q, k and v one missing or of another shape: the first's shape, which is then found wrong.
    const whole = areThirds ? shape.with(0, 3 * (shape[0] as number)) : shape;
    recipes.set(name, { name, shape: whole, pieces: parts, how: "chain" });
  }
  const isFolded = foldClassPosition(recipes);
  const warnings: string[] = [];
  const dropped: string[] = [];
  const drop = (pattern: RegExp, why: string): void => {
    const names = [...recipes.keys()].filter((name) => pattern.test(name));
    for (const name of names) {
      dropped.push(...(recipes.get(name)?.pieces ?? []).map(({ from }) => from));
      recipes.delete(name);
    }
    if (names.length > 0) warnings.push(why);
  };
  const width = recipes.get("norm.weight")?.shape[0];
  const inputs = recipes.get("head.weight")?.shape[1];
  if (recipes.has("dist_token")) {
    drop(
      /^head(_dist)?\./,
      "The checkpoint's two heads look at one token each; they are left out, a new head sees the mean of both.",
    );
  } else if (unneeded.some((name) => name.includes("pre_logits/"))) {
    drop(/^head\./, "The checkpoint's head stands behind a pre_logits layer; both are left out, as timm does.");
  } else if (width !== undefined && inputs === 2 * width) {
    drop(/^head\./, "The checkpoint's head looks at the class token beside the mean of the patches; it is left out.");
  }
  return { recipes, dropped, warnings, isFolded };
}

/**
 * DINOv2's registers come between class token and patches after the positions were added. The same network as timm has
 * it: the class token's position is added to the token, and the rows of the patches remain.
 * @returns whether that was so
 */
function foldClassPosition(recipes: Map<string, Recipe>): boolean {
  const [registers, token, positions] = ["reg_token", "cls_token", "pos_embed"].map((name) => recipes.get(name));
  const [from] = registers?.pieces ?? [];
  if (!from || !/register_tokens$/.test(from.from) || !token || positions?.shape.length !== 3) return false;
  const [one = 0, rows = 0, width = 0] = positions.shape;
  const [piece] = positions.pieces;
  if (!piece || one !== 1 || rows < 2 || token.shape.join() !== [1, 1, width].join()) return false;
  const part = (start: number, end: number): Piece => ({ ...piece, range: [start * width, end * width] });
  recipes.set("cls_token", { ...token, pieces: [...token.pieces, part(0, 1)], how: "sum" });
  recipes.set("pos_embed", { ...positions, shape: [1, rows - 1, width], pieces: [part(1, rows)] });
  return true;
}

/** What names tell of ε and activation: Hugging Face's DINOv2 has another ε than its ViT. */
function hintsOf({ scheme }: Recognition, recipes: ReadonlyMap<string, Recipe>) {
  const eps = scheme.eps === 1e-12 && recipes.has("blocks.0.ls1.gamma") ? 1e-6 : scheme.eps;
  return { eps, activation: scheme.activation };
}

/** How a network was trained, by its names, its parts and the name of its file. */
function guessPretraining(
  { scheme, unneeded, strange }: Recognition,
  a: Architecture,
  config: BackboneConfig | undefined,
  file: string,
): Pretraining {
  const called = `${config?.architecture ?? ""} ${file.split(/[/\\]/).slice(-2).join(" ")}`.toLowerCase();
  const has = (pattern: RegExp): boolean => [...unneeded, ...strange].some((name) => pattern.test(name));
  if (scheme.pretraining) return scheme.pretraining;
  if (a.hasPreNorm) return "clip";
  if (a.registers > 0 || called.includes("dinov2") || (a.hasLayerScale && has(/mask_token$/))) return "dinov2";
  if (a.hasDistillationToken || /\bdeit/.test(called)) return "deit";
  if (has(/(^|\.)decoder[._]/) || /(^|[^a-z])mae([^a-z]|$)/.test(called)) return "mae";
  return has(/last_layer/) || /(^|[^a-z])dino([^a-z]|$)/.test(called) ? "dino" : "vit";
}

const some = (names: readonly string[]): string =>
  names.slice(0, 5).join(", ").slice(0, 300) + (names.length > 5 ? ", …" : "");

/** Parts that make a network another kind, by their tensors. */
const kinds: readonly (readonly [RegExp, string])[] = [
  [/mlp\.(w12|w3|weights_in|weights_out|w1|fc1_g)\./, "a gated MLP (SwiGLU, as in DINOv2 giant)"],
  [/relative_position/, "relative positions (BEiT)"],
  [/attn_pool|MAPHead|head\.probe/, "pooling by attention (SigLIP)"],
  [/attn\.[qk]_norm\./, "normalised queries and keys"],
  [/encoderblock\//, "blocks stacked in one tensor (big_vision's scan)"],
];

function refuseKinds(names: readonly string[], file: string): void {
  for (const [pattern, kind] of kinds) {
    const name = names.find((one) => pattern.test(one));
    if (name === undefined) continue;
    throw new FormatError(
      `${file}: ${name.slice(0, 100)}: ${kind} is not read. Take a network without it; docs/backbones.md lists the families.`,
    );
  }
}

function refuseIntegers(name: string, stored: ReadonlyMap<string, Stored>, file: string): void {
  const dtype = stored.get(name)?.dtype;
  if (dtype === "float32" || dtype === "float64") return;
  throw new FormatError(`${file}: ${name}: expected floating-point numbers, got ${dtype}.`);
}

const unknownNames = (tensors: ReadonlyMap<string, Stored>, file: string): FormatError =>
  new FormatError(
    `${file}: expected a Vision Transformer under timm's tensor names (patch_embed.proj.weight, blocks.0.attn.qkv.weight, …) or those of Hugging Face, CLIP or Google's .npz, got ${some([...tensors.keys()]) || "no tensors"}. Save it with timm's names.`,
  );

function missing(
  name: string,
  shape: Shape,
  got: ReadonlyMap<string, unknown>,
  a: Architecture,
  file: string,
): FormatError {
  const absent = parametersOf(a).filter((p) => !got.has(p.name));
  const hint = name.startsWith("head.") ? " A head needs both its tensors." : "";
  return new FormatError(
    `${file}: ${name}: expected [${shape.join(", ")}], got nothing (${absent.length} tensors of ${familyOf(a)} are missing).${hint} The file is incomplete or another kind of network; fetch it again.`,
  );
}

const misfit = (name: string, expected: Shape, got: Shape, a: Architecture, file: string): FormatError =>
  new FormatError(
    `${file}: ${name}: expected [${expected.join(", ")}], got [${got.join(", ")}]. Its other tensors are of ${familyOf(a)}; the file mixes two networks.`,
  );

function noPlace(names: readonly string[], scheme: string, a: Architecture, file: string): FormatError {
  const others = recognize(new Map(names.map((name) => [name, { shape: [], dtype: "float32" }])));
  const why = others
    ? `They are named as ${others.scheme.name} names tensors, the others as ${scheme} does; the file mixes two networks.`
    : "The network is of a kind that is not read yet; leaving them out would give wrong results.";
  return new FormatError(`${file}: ${names.length} tensors have no place in ${familyOf(a)}: ${some(names)}. ${why}`);
}

/** Elements of a piece, all or those of its range. */
export const lengthOf = ({ shape, range }: Piece): number => (range ? range[1] - range[0] : elementCount(shape));
