import {
  type Dataset,
  digestDataset,
  type Examples,
  requireSplit,
  type Split,
  selectExamples,
  splitNames,
} from "../data/dataset.js";
import { createLoader, type Decode, type Loader, readableIndices, refuseUnreadable } from "../data/loader.js";
import type { Transform } from "../data/transform.js";
import { ConfigError } from "../errors.js";
import { openDataset } from "./datasets.js";
import { decodeImage, defaultCacheBytes, parallelDecodes } from "./images.js";

/** What decides which images are served and how. */
export interface SplitOptions {
  readonly data: string;
  readonly final?: boolean;
  readonly valFraction?: number | undefined;
  readonly shots?: number | undefined;
  readonly seed: number;
  readonly skipUnreadable: boolean;
  /** The splits that are needed, and must be there; default all that are there. */
  readonly only?: readonly Split[];
  /** Told of every image that is left out. */
  readonly onWarning: (text: string) => void;
}

/** A data set whose files have been looked at. */
export interface CheckedData extends Dataset {
  /** Tells whether two runs saw the same data. */
  readonly digest: string;
}

/**
 * The data set in a folder, without its unreadable images where they may be left out.
 * @throws ConfigError where a split that is needed is not there
 * @throws FormatError naming the unreadable images where they may not
 */
export async function openCheckedData(options: SplitOptions): Promise<CheckedData> {
  const { data, final = false, valFraction, shots, seed, skipUnreadable, only = splitNames, onWarning } = options;
  const dataset = await openDataset(data, {
    final,
    seed,
    valFraction,
    shots,
    // Who asks for single splits has a run, which was told when it began.
    ...(options.only === undefined && { onWarning: (text: string) => onWarning(`${data}: ${text}`) }),
  });
  for (const name of options.only ?? []) requireSplit(dataset, name);
  const splits: Record<Split, Examples | null> = { train: null, val: null, test: null };
  for (const name of only) {
    const examples = dataset.splits[name];
    if (!examples) continue;
    const loader = createLoader(examples, { transform: [{ name: "decode" }], batchSize: 1, decode: decodeImage });
    const unreadable = await loader.check();
    if (!skipUnreadable) refuseUnreadable(unreadable, data);
    for (const { reason } of unreadable) onWarning(`${data}: left out: ${reason}`);
    const readable = readableIndices(examples.count, unreadable);
    if (readable.length === 0) throw new ConfigError(`${data}: none of the ${name} images can be read.`);
    splits[name] = unreadable.length === 0 ? examples : selectExamples(examples, readable);
  }
  const checked: Dataset = { ...dataset, splits };
  return { ...checked, digest: await digestDataset(checked) };
}

/** Loaders for the splits that are there and have a transform; they share the memory for decoded images by their sizes. */
export function openLoaders(
  { splits }: CheckedData,
  transforms: { readonly [S in Split]?: Transform },
  {
    seed,
    batchSize,
    sampling = "all",
    decode = decodeImage,
    onUnreadable,
  }: {
    seed: number;
    batchSize: number;
    sampling?: "all" | "balanced";
    decode?: Decode;
    onUnreadable?: (text: string) => void;
  },
): Readonly<Record<Split, Loader | null>> {
  const names = splitNames.filter((name) => transforms[name]);
  const total = names.reduce((count, name) => count + (splits[name]?.count ?? 0), 0);
  const cacheBytes = defaultCacheBytes();
  const open = (name: Split): Loader | null => {
    const [examples, transform] = [splits[name], transforms[name]];
    if (!examples || !transform) return null;
    return createLoader(examples, {
      transform,
      batchSize: Math.min(batchSize, examples.count),
      seed,
      sampling,
      decode,
      parallel: parallelDecodes(),
      cacheBytes: Math.floor((cacheBytes * examples.count) / total),
      ...(onUnreadable && { onUnreadable: ({ reason }) => onUnreadable(`left out: ${reason}`) }),
    });
  };
  return { train: open("train"), val: open("val"), test: open("test") };
}
