import { z } from "zod";
import { FormatError } from "../../errors.js";

/** A file of a model on the hub. */
export interface HubFile {
  readonly name: string;
  readonly size: number;
  /** Of the content: SHA-256 of a large file, else the SHA-1 that git gives a blob. It names the blob in the cache. */
  readonly digest: string;
}

/** What a model consists of at one commit, as far as a network could need it. */
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
  // Nothing in folders is needed, nothing with an odd name, and nothing that has no size and hash to check it by.
  const files = siblings.flatMap(({ rfilename: name, lfs, ...file }) => {
    const [size, digest] = [lfs?.size ?? file.size, lfs?.sha256 ?? file.blobId];
    return size === undefined || digest === undefined || !/^[\w.-]+$/.test(name) ? [] : [{ name, size, digest }];
  });
  return { commit: sha, files };
}

/** Files that say how a network is built and fed; a model may lack either. */
export const companions: readonly string[] = ["config.json", "preprocessor_config.json"];

/** Files larger than this are no configuration and no index. */
export const largestTextBytes = 2 ** 26;
