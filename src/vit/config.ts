import { FormatError } from "../errors.js";
import type { Architecture } from "./architecture.js";
import { cropModes, type DataContract, interpolations, type StatedContract } from "./contract.js";

/** What a `config.json` says of a network, in our words; anything may be missing. */
export interface BackboneConfig {
  /** The architecture's name in timm. */
  readonly architecture?: string | undefined;
  /** Sizes and options that are stated one by one. */
  readonly stated: { readonly [K in keyof Architecture]?: Architecture[K] | undefined };
  readonly contract: StatedContract;
}

type Check<T> = (value: unknown) => T | undefined;
type Fields = Readonly<Record<string, unknown>>;

/**
 * The contents of timm's `config.json`. Keys that say nothing about network or contract (`hf_hub_id`, `license`, …) are
 * left alone: the format is timm's, and it grows.
 * @param file what to call it in messages
 * @throws FormatError where it is no JSON object or a key has a value of the wrong kind
 * @see https://github.com/huggingface/pytorch-image-models `timm/models/_hub.py`, `save_config_for_hf`
 */
export function parseConfig(text: string, file: string): BackboneConfig {
  const fail = (what: string): never => {
    throw new FormatError(`${file}: ${what}. Mend the entry or fetch the file again.`);
  };
  const parse = (): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      return fail("no valid JSON");
    }
  };
  const top = object(parse()) ?? fail("expected a JSON object");
  const field = <T>(from: Fields, key: string, check: Check<T>, expected: string): T | undefined => {
    const value = from[key];
    if (value === undefined || value === null) return undefined;
    return check(value) ?? fail(`${key}: expected ${expected}, got ${JSON.stringify(value).slice(0, 80)}`);
  };
  const args = field(top, "model_args", object, "an object") ?? {};
  // Before there was a `pretrained_cfg`, its keys stood at the top.
  const data = field(top, "pretrained_cfg", object, "an object") ?? top;
  const inArgs = (key: string) => field(args, key, count, "a positive integer");

  const [channels, ...inputSize] = field(data, "input_size", countsOf(3), "[channels, height, width]") ?? [];
  const inputHeight = inputSize[0];
  const pool = (from: Fields) => field(from, "global_pool", oneOf(["token", "avg"]), '"token" or "avg"');
  const width = inArgs("embed_dim");
  const ratio = field(args, "mlp_ratio", positive, "a positive number");
  const afterPool = field(args, "fc_norm", boolean, "true or false");
  return {
    architecture: field(top, "architecture", string, "a text"),
    stated: {
      imageSize:
        field(args, "img_size", size, "a size") ??
        (inputHeight ? [inputHeight, inputSize[1] ?? inputHeight] : undefined),
      patchSize: inArgs("patch_size"),
      channels: inArgs("in_chans") ?? channels,
      width,
      blocks: inArgs("depth"),
      heads: inArgs("num_heads"),
      hidden: ratio && width ? Math.floor(ratio * width) : undefined,
      classes: field(top, "num_classes", classCount, "a count"),
      hasClassToken: field(args, "class_token", boolean, "true or false"),
      pool: pool(args) ?? pool(top),
      finalNorm: afterPool === undefined ? undefined : afterPool ? "fc_norm" : "norm",
      qkvBias: field(args, "qkv_bias", boolean, "true or false"),
      eps: field(top, "layer_norm_eps", positive, "a positive number"),
    },
    contract: {
      mean: field(data, "mean", numbers, "three numbers"),
      std: field(
        data,
        "std",
        (v) => (numbers(v)?.every((n) => n > 0) ? numbers(v) : undefined),
        "three positive numbers",
      ),
      interpolation: field(data, "interpolation", oneOf(interpolations), `one of ${interpolations.join(", ")}`),
      cropFraction: field(data, "crop_pct", (v) => (fraction(v) ? v : undefined), "a number in (0, 1]"),
      cropMode: field(data, "crop_mode", oneOf(cropModes), `one of ${cropModes.join(", ")}`),
      classNames:
        field(top, "label_names", names, "a list of texts") ??
        field(data, "label_names", names, "a list of texts") ??
        field(top, "id2label", numberedNames, "names under 0, 1, 2, …"),
    },
  };
}

/**
 * The text of a `config.json` from which timm builds the same network and `parseConfig` reads the same back.
 * `layer_norm_eps` is no key of timm's, whose ε is always 1e-6.
 */
export function printConfig(a: Architecture, contract: DataContract): string {
  const config = {
    architecture: a.name ?? "vit_base_patch16_224",
    num_classes: a.classes,
    num_features: a.width,
    global_pool: a.pool,
    layer_norm_eps: a.eps,
    model_args: {
      img_size: a.imageSize,
      patch_size: a.patchSize,
      in_chans: a.channels,
      embed_dim: a.width,
      depth: a.blocks,
      num_heads: a.heads,
      mlp_ratio: ratioOf(a.hidden, a.width),
      qkv_bias: a.qkvBias,
      class_token: a.hasClassToken,
      global_pool: a.pool,
      fc_norm: a.finalNorm === "fc_norm",
    },
    pretrained_cfg: {
      input_size: [a.channels, ...a.imageSize],
      fixed_input_size: true,
      interpolation: contract.interpolation,
      crop_pct: contract.cropFraction,
      crop_mode: contract.cropMode,
      mean: contract.mean,
      std: contract.std,
      num_classes: a.classes,
      first_conv: "patch_embed.proj",
      classifier: "head",
      ...(contract.classNames ? { label_names: contract.classNames } : {}),
    },
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** The ratio from which `⌊ratio · width⌋` is `hidden` again, as timm computes it, in spite of rounding. */
function ratioOf(hidden: number, width: number): number {
  const ratio = hidden / width;
  return Math.floor(ratio * width) === hidden ? ratio : (hidden + 0.5) / width;
}

const object: Check<Fields> = (v) =>
  typeof v === "object" && v !== null && !Array.isArray(v) ? (v as Fields) : undefined;
const string: Check<string> = (v) => (typeof v === "string" ? v : undefined);
const boolean: Check<boolean> = (v) => (typeof v === "boolean" ? v : undefined);
const isPositive = (v: unknown): v is number => typeof v === "number" && Number.isFinite(v) && v > 0;
const positive: Check<number> = (v) => (isPositive(v) ? v : undefined);
const fraction = (v: unknown): v is number => isPositive(v) && v <= 1;
// No network of this kind has a size beyond this; a larger one must not reach an allocation.
const isSize = (v: unknown): v is number => Number.isInteger(v) && (v as number) > 0 && (v as number) <= 2 ** 20;
const count: Check<number> = (v) => (isSize(v) ? v : undefined);
const classCount: Check<number> = (v) => (v === 0 ? 0 : count(v));
const countsOf =
  (length: number): Check<readonly number[]> =>
  (v) =>
    Array.isArray(v) && v.length === length && v.every(isSize) ? v : undefined;
const size: Check<readonly [number, number]> = (v) =>
  isSize(v) ? [v, v] : (countsOf(2)(v) as readonly [number, number] | undefined);
const numbers: Check<readonly number[]> = (v) =>
  Array.isArray(v) && v.length === 3 && v.every(Number.isFinite) ? v : undefined;
const names: Check<readonly string[]> = (v) =>
  Array.isArray(v) && v.every((name) => typeof name === "string") ? v : undefined;
const numberedNames: Check<readonly string[]> = (v) => {
  const labels = object(v) ?? {};
  return names(Array.from({ length: Object.keys(labels).length }, (_, i) => labels[i]));
};
const oneOf =
  <const T extends string>(known: readonly T[]): Check<T> =>
  (v) =>
    known.find((name) => name === v);
