import { lowRankName } from "../adapter/low-rank.js";
import { ConfigError } from "../errors.js";
import type { Tensor } from "../graph/tensor.js";
import { tensorOf, toNumbers } from "../graph/tensor.js";
import { type Architecture, parametersOf } from "../vit/architecture.js";
import { embeddingsModule, type HfVersion, hfModule, hfPart, toHfNames } from "../vit/hf-names.js";
import { places, type Site } from "../vit/site.js";
import { bestOfRank } from "./best-rank.js";

/** What a LoRA adapter is made from. */
export interface PeftSource {
  readonly architecture: Architecture;
  /** The outputs of a `lowRankGraph`. */
  readonly changes: Readonly<Record<string, Tensor>>;
  /** Frozen kernels. */
  readonly weights: (name: string) => Tensor;
  /** Whether position embeddings are others than the base model's, which was for images of another size. */
  readonly isResized: boolean;
  /** The trained head. */
  readonly head: { readonly weight: Tensor; readonly bias: Tensor };
  readonly version: HfVersion;
  /** Rank of what approximates the part of full rank. */
  readonly rank: number | undefined;
  /** What the adapter says of its base model. */
  readonly baseModel: string;
}

/** A LoRA adapter as HF PEFT stores it. */
export interface PeftAdapter {
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Of the approximated maps, by module: `‖Δ − B A‖ / ‖Δ‖`. */
  readonly errors: ReadonlyMap<string, number>;
}

/** Maps of HF's ViT that a place is, with the third of it that each takes. */
const partsOf = (place: Site["place"]): readonly { readonly part: string; readonly third: number | undefined }[] =>
  place === "attn.qkv"
    ? ["q", "k", "v"].map((letter, third) => ({ part: `attn.${letter}`, third }))
    : [{ part: place, third: undefined }];

/** A LoRA pair of one module, row by row. */
interface Pair {
  readonly path: string;
  readonly kind: string;
  readonly rank: number;
  /** `[rank, in]` */
  readonly a: Float64Array;
  /** `[out, rank]` */
  readonly b: Float64Array;
  /** `[out]` */
  readonly bias: Float64Array | undefined;
}

/**
 * The LoRA adapter for HF's ViT that computes the same: `A = downᵀ`, `B = (up W)ᵀ`, with `lora_alpha = r`, so that nothing
 * is scaled; a shift is the bias of B. A scale of a map's input, `Δ = W ⊙ scale`, is of full rank and approximated.
 * Resized position embeddings go with it, in their whole module, as PEFT takes no parts of modules.
 * @throws ConfigError where there is a part of full rank, and no rank for it
 * @see https://huggingface.co/docs/peft/developer_guides/checkpoint
 */
export function peftAdapter(source: PeftSource): PeftAdapter {
  const { architecture, head, version, baseModel, isResized } = source;
  const errors = new Map<string, number>();
  const pairs: Pair[] = [];
  for (let block = 0; block < architecture.blocks; block++) {
    for (const place of places) pairs.push(...pairsAt(source, { block, place }, errors));
  }
  const withBias = pairs.some(({ bias }) => bias);
  const tensors = new Map<string, Tensor>();
  for (const { path, rank, a, b, bias } of pairs) {
    const [inputs, outputs] = [a.length / rank, b.length / rank];
    const name = `base_model.model.${path}`;
    tensors.set(`${name}.lora_A.weight`, tensorOf("float32", [rank, inputs], a));
    tensors.set(`${name}.lora_B.weight`, tensorOf("float32", [outputs, rank], b));
    if (withBias) tensors.set(`${name}.lora_B.bias`, tensorOf("float32", [outputs], bias ?? new Float64Array(outputs)));
  }
  tensors.set("base_model.model.classifier.weight", head.weight);
  tensors.set("base_model.model.classifier.bias", head.bias);
  if (isResized) {
    for (const [name, tensor] of embeddingsOf(source)) tensors.set(`base_model.model.${name}`, tensor);
  }
  const ranks = pairs.map(({ rank }) => rank);
  const usual = ranks.toSorted((x, y) => count(ranks, y) - count(ranks, x))[0] ?? 1;
  const pattern = Object.fromEntries(pairs.filter(({ rank }) => rank !== usual).map(({ path, rank }) => [path, rank]));
  const config = {
    peft_type: "LORA",
    task_type: null,
    base_model_name_or_path: baseModel,
    inference_mode: true,
    r: usual,
    lora_alpha: usual,
    rank_pattern: pattern,
    alpha_pattern: pattern,
    lora_dropout: 0,
    bias: "none",
    lora_bias: withBias,
    fan_in_fan_out: false,
    use_rslora: false,
    use_dora: false,
    target_modules: targetsOf(pairs, architecture.blocks, version),
    modules_to_save: ["classifier", ...(isResized ? [embeddingsModule] : [])],
  };
  return { config, tensors, errors };
}

const count = (all: readonly number[], one: number): number => all.filter((other) => other === one).length;

/** The embeddings under HF's names. */
function embeddingsOf({ architecture, weights, version }: PeftSource): Iterable<readonly [string, Tensor]> {
  const names = parametersOf(architecture).map(({ name }) => name);
  const own = names.filter((name) => name === "cls_token" || name === "pos_embed" || name.startsWith("patch_embed."));
  return toHfNames(
    own.map((name) => [name, weights(name)] as const),
    version,
  );
}

/** Kinds of modules where PEFT finds just these by the ends of their names, else the modules by their whole names. */
function targetsOf(pairs: readonly Pair[], blocks: number, version: HfVersion): readonly string[] {
  const ends = [...new Set(pairs.map(({ kind }) => hfPart(kind, version)))];
  const all = Array.from({ length: blocks }, (_, block) =>
    places.flatMap((place) => partsOf(place).map(({ part }) => hfModule(block, part, version))),
  );
  const found = all.flat().filter((path) => ends.some((end) => path.endsWith(`.${end}`)));
  return found.length === pairs.length ? ends : pairs.map(({ path }) => path);
}

/** The pairs of one place: one, or those of q, k and v; none where nothing changes. */
function pairsAt({ changes, weights, version, rank }: PeftSource, site: Site, errors: Map<string, number>): Pair[] {
  const numbers = (part: "down" | "up" | "scale" | "shift"): Float64Array | undefined => {
    const found = changes[lowRankName(site, part)];
    return found && toNumbers(found);
  };
  const [down, up, scale, shift] = [numbers("down"), numbers("up"), numbers("scale"), numbers("shift")];
  if (!up && !scale && !shift) return [];
  const kernel = weights(`blocks.${site.block}.${site.place}.weight`);
  const [allOutputs, inputs] = kernel.shape as readonly [number, number];
  return partsOf(site.place).flatMap(({ part, third }): Pair[] => {
    const outputs = third === undefined ? allOutputs : allOutputs / 3;
    const start = (third ?? 0) * outputs;
    const path = hfModule(site.block, part, version);
    const a: number[] = [];
    const columns: Float64Array[] = [];
    const add = (row: (i: number) => number, column: Float64Array): void => {
      // A rank that adds nothing to this map: the other two of q, k and v may need it.
      if (column.every((x) => x === 0)) return;
      for (let i = 0; i < inputs; i++) a.push(row(i));
      columns.push(column);
    };
    const exact = (up?.length ?? 0) / allOutputs;
    for (let k = 0; k < exact; k++) {
      const column = up?.slice(k * allOutputs + start, k * allOutputs + start + outputs) ?? new Float64Array(outputs);
      add((i) => down?.[i * exact + k] as number, column);
    }
    if (scale) {
      if (rank === undefined) throw fullRank();
      const change = toNumbers(kernel)
        .slice(start * inputs, (start + outputs) * inputs)
        .map((w, i) => w * (scale[i % inputs] as number));
      const best = bestOfRank(change, outputs, inputs, Math.min(rank, inputs, outputs));
      errors.set(path, best.error);
      const size = best.left.length / outputs;
      for (let k = 0; k < size; k++) {
        add(
          (i) => best.right[k * inputs + i] as number,
          Float64Array.from({ length: outputs }, (_, o) => best.left[o * size + k] as number),
        );
      }
    }
    const bias = shift?.slice(start, start + outputs);
    if (columns.length === 0 && (!bias || bias.every((x) => x === 0))) return [];
    if (columns.length === 0) {
      // A bias alone needs a pair to hang on.
      for (let i = 0; i < inputs; i++) a.push(0);
      columns.push(new Float64Array(outputs));
    }
    const size = columns.length;
    const b = Float64Array.from(
      { length: outputs * size },
      (_, i) => columns[i % size]?.[Math.floor(i / size)] as number,
    );
    return [{ path, kind: part, rank: size, a: Float64Array.from(a), b, bias }];
  });
}

const fullRank = (): ConfigError =>
  new ConfigError(
    "this adapter scales the inputs of the maps, which is a change of full rank and no LoRA. Give the rank of the best approximation with --rank (its error is told), export it merged (--format safetensors --names hf), or train what is a LoRA (sas with --form low-rank).",
  );
