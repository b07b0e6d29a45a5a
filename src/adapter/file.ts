import { z } from "zod";
import { FormatError } from "../errors.js";
import type { Tensor } from "../graph/tensor.js";
import type { Architecture } from "../vit/architecture.js";
import { type ByteSource, readSafetensors, type Safetensors, safetensorsChunks } from "../vit/safetensors.js";
import type { Account } from "./account.js";

/** The newest version of the file, the only one so far. */
const adapterVersion = 1;

/** A trained adapter with everything that is needed to use it on the backbone it belongs to. */
export interface Adapter {
  readonly method: string;
  /** Options of the method with nothing left to be decided. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly backbone: {
    readonly name: string;
    /** Of the backbone's tensors under canonical names; another backbone gives another one. */
    readonly hash: string;
    /** The backbone as it was trained: its own image size, without a head. */
    readonly architecture: Architecture;
  };
  /** Per channel, of pixels scaled to [0, 1]. */
  readonly contract: { readonly mean: readonly number[]; readonly std: readonly number[] };
  /** What happens to an image before the network sees it. */
  readonly transform: string;
  /** Names of the classes, in the head's order. */
  readonly classes: readonly string[];
  readonly account: Account;
  /** Trained tensors by name, the head (`head.weight`, `head.bias`) among them. */
  readonly tensors: Readonly<Record<string, Tensor>>;
}

const count = z.int().min(0);
const pair = z.tuple([count, count]);
const numbers = z.array(z.number()).length(3);

const headerSchema = z.strictObject({
  method: z.string().min(1),
  options: z.record(z.string(), z.unknown()),
  backbone: z.strictObject({
    name: z.string(),
    hash: z.string().min(1),
    architecture: z.strictObject({
      name: z.string().optional(),
      imageSize: pair,
      patchSize: count,
      channels: count,
      width: count,
      blocks: count,
      heads: count,
      hidden: count,
      classes: count,
      hasClassToken: z.boolean(),
      // Files from before there were such networks say nothing of them.
      hasDistillationToken: z.boolean().default(false),
      registers: count.default(0),
      hasPrefixPositions: z.boolean().default(true),
      pool: z.enum(["token", "avg"]),
      finalNorm: z.enum(["norm", "fc_norm"]),
      qkvBias: z.boolean(),
      patchBias: z.boolean().default(true),
      hasPreNorm: z.boolean().default(false),
      hasLayerScale: z.boolean().default(false),
      eps: z.number().positive(),
      activation: z.enum(["gelu", "gelu-tanh", "quick-gelu"]),
    }),
  }),
  contract: z.strictObject({ mean: numbers, std: numbers }),
  transform: z.string().min(1),
  classes: z.array(z.string()).min(1),
  account: z.strictObject({ trainable: count, head: count, total: count, share: z.number() }),
});

/**
 * The file of an adapter, in pieces to be written one after the other: safetensors, whose metadata are `format`
 * (`sas-petl-adapter`), `version` and `adapter`: the description as JSON, keys sorted. Equal adapters give equal bytes;
 * no date, path, host or duration is among them.
 */
export function encodeAdapter({ tensors, ...header }: Adapter): readonly Uint8Array[] {
  return safetensorsChunks({
    metadata: {
      format: "sas-petl-adapter",
      version: String(adapterVersion),
      adapter: JSON.stringify(sortKeys(headerSchema.parse(header))),
    },
    tensors: new Map(Object.entries(tensors)),
  });
}

/**
 * The adapter of a file.
 * @throws FormatError where the file is damaged, no adapter, or of a version that is not known yet
 */
export async function decodeAdapter(source: ByteSource): Promise<Adapter> {
  const { metadata, tensors } = await readSafetensors(source);
  const header = parseHeader(metadata, source.name);
  return { ...(header as Omit<Adapter, "tensors">), tensors: Object.fromEntries(tensors) };
}

function parseHeader({ format, version, adapter, ...more }: Safetensors["metadata"], name: string): unknown {
  const refuse = (what: string, remedy: string): never => {
    throw new FormatError(`${name}: ${what}. ${remedy}`);
  };
  const anew = "Train it again, or pass the adapter.safetensors of a run.";
  if (format !== "sas-petl-adapter") refuse("this safetensors file is no adapter of sas-petl", anew);
  if (version !== String(adapterVersion)) {
    const came = JSON.stringify(version ?? null).slice(0, 20);
    refuse(`expected an adapter of version ${adapterVersion}, got ${came}`, "A newer sas-petl may read it.");
  }
  const [unknown] = Object.keys(more);
  if (unknown !== undefined) refuse(`unknown metadata ${JSON.stringify(unknown.slice(0, 40))}`, anew);
  let value: unknown;
  try {
    value = JSON.parse(adapter ?? "");
  } catch {
    refuse("the description of the adapter is no JSON", anew);
  }
  const parsed = headerSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return refuse(`${issue?.path.join(".") || "description"}: ${issue?.message ?? "is not as it must be"}`, anew);
}

/** The value with the keys of every object in code-unit order. */
function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== "object" || value === null) return value;
  const sorted = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([key, inside]) => [key, sortKeys(inside)]));
}
