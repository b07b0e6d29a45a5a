import { z } from "zod";
import { ConfigError, FormatError } from "../errors.js";

/** A file of a model on the hub. */
export interface HubFile {
  readonly name: string;
  readonly size: number;
  /** Of the content: SHA-256 of a large file, else the SHA-1 that git gives a blob. It names the blob in the cache. */
  readonly digest: string;
}

/** What a model consists of at one commit. */
export interface Listing {
  readonly commit: string;
  readonly files: readonly HubFile[];
}

const size = z.int().min(0);
const answer = z.object({
  sha: z.string().regex(/^[0-9a-f]{40}$/),
  siblings: z.array(
    z.object({
      rfilename: z.string(),
      size: size.optional(),
      blobId: z
        .string()
        .regex(/^[0-9a-f]{40}$/)
        .optional(),
      lfs: z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/), size }).nullish(),
    }),
  ),
});

/**
 * The listing in the hub's answer about a model.
 * @throws FormatError where the answer is something else
 * @see https://huggingface.co/docs/hub/api: GET /api/models/{repo}/revision/{revision}?blobs=true
 */
export function parseListing(text: string, source: string): Listing {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new FormatError(`${source}: expected a list of files as JSON. Check HF_ENDPOINT and the proxy.`);
  }
  const parsed = answer.safeParse(value);
  if (!parsed.success) {
    const { path = [], message = "" } = parsed.error.issues[0] ?? {};
    throw new FormatError(`${source}: no list of files: ${path.join(".")}: ${message}. Check HF_ENDPOINT.`);
  }
  const { sha, siblings } = parsed.data;
  // What has neither size nor hash is nothing that could be checked.
  const files = siblings.flatMap(({ rfilename: name, lfs, ...file }) => {
    const [size, digest] = [lfs?.size ?? file.size, lfs?.sha256 ?? file.blobId];
    return size === undefined || digest === undefined ? [] : [{ name, size, digest }];
  });
  return { commit: sha, files };
}

/** Files that say how a network is built and fed; a model may lack either. */
export const companions: readonly string[] = ["config.json", "preprocessor_config.json"];

/** Files larger than this are no configuration and no index. */
export const largestTextBytes = 2 ** 26;

/** A file that holds all weights, or says which do. */
export interface WeightsFile {
  readonly name: string;
  readonly isIndex: boolean;
}

/** Forms of weights, best first. Of the last three there must be one file only. */
const forms: readonly { readonly pattern: RegExp; readonly isIndex?: true }[] = [
  { pattern: /^model\.safetensors$/ },
  { pattern: /^model\.safetensors\.index\.json$/, isIndex: true },
  { pattern: /^[\w.-]+\.safetensors$/ },
  { pattern: /^pytorch_model\.bin$/ },
  { pattern: /^[\w.-]+\.npz$/ },
  { pattern: /^[\w.-]+\.(bin|pth|pt)$/ },
];

/**
 * The best of the weights among a model's files.
 * @throws ConfigError where there are none, or several that are equally good
 */
export function weightsAmong(names: readonly string[], source: string): WeightsFile {
  for (const { pattern, isIndex = false } of forms) {
    const found = names.filter((name) => pattern.test(name) && !shard.test(name)).sort();
    const [name] = found;
    if (name === undefined) continue;
    if (found.length === 1) return { name, isIndex };
    throw new ConfigError(
      `${source}: holds ${found.length} networks (${found.slice(0, 3).join(", ")}, …). Download the one to use into a folder of its own and name that folder.`,
    );
  }
  throw new ConfigError(
    `${source}: holds no weights that can be read; expected model.safetensors, got ${names.slice(0, 5).join(", ") || "nothing"}. Take another model.`,
  );
}

const shard = /-\d{5}-of-\d{5}\./;

/**
 * The files that an index of sharded weights names.
 * @throws FormatError where it is no such index, or names anything but shards beside it
 */
export function shardsOf(text: string, source: string): readonly string[] {
  let map: unknown;
  try {
    map = (JSON.parse(text) as { weight_map?: unknown } | null)?.weight_map;
  } catch {
    // Told below.
  }
  const names = typeof map === "object" && map !== null ? [...new Set<unknown>(Object.values(map))] : [];
  const isShard = (name: unknown): name is string =>
    typeof name === "string" && /^[\w-][\w.-]*\.safetensors$/.test(name);
  if (names.length > 0 && names.every(isShard)) return names.sort();
  throw new FormatError(`${source}: expected an index of safetensors files. Take another revision of the model.`);
}
