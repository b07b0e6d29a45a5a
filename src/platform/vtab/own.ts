import { z } from "zod";
import { type FileTree, readText } from "../../data/file-tree.js";
import type { OwnSample } from "../../data/vtab-check.js";

/** What a sample of our own calls itself in `info.json`. */
export const ownSample = "own sample";

// Whatever else has been lost of the file, it must not pass for VTAB-1k's own sample.
const mark = z.object({
  sample: z.literal(ownSample),
  seed: z.number().catch(Number.NaN),
  testImages: z.number().nullable().catch(null),
  source: z.string().catch(""),
  digest: z.string().catch(""),
});

/** What `info.json` in a task's folder says of being a sample of our own; `undefined` where it says nothing of the kind. */
export async function readOwnSample(tree: FileTree): Promise<OwnSample | undefined> {
  if (!(await tree.hasFile("info.json"))) return undefined;
  try {
    return mark.safeParse(JSON.parse(await readText(tree, "info.json"))).data;
  } catch {
    // Any other file may be called so.
    return undefined;
  }
}
