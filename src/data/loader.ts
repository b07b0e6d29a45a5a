import { ConfigError, FormatError, ShapeError } from "../errors.js";
import type { Examples } from "./dataset.js";
import type { RgbImage } from "./image.js";
import { imageHeader } from "./image-header.js";
import { forEachIndex, limitTasks } from "./limit.js";
import { stream } from "./random.js";
import { balancedOrder, batchesInOrder, epochOrder, inBatches } from "./sampler.js";
import { applyTransform, splitAtRandom, type Transform } from "./transform.js";

/** Gives the image that encoded bytes hold after the fixed steps of a transform; each platform brings its own. */
export type Decode = (bytes: Uint8Array, name: string, fixed: Transform) => Promise<RgbImage>;

/** Images and labels of one step. */
export interface Batch {
  /** Place of the batch in its epoch, from 0. */
  readonly step: number;
  /** Pixels, `[batch, height, width, 3]`. */
  readonly images: Uint8Array;
  readonly shape: readonly [batch: number, height: number, width: number, channels: 3];
  /** Class of each image, `[batch]`. */
  readonly labels: Int32Array;
  /** Place of each image in the data set, `[batch]`. */
  readonly indices: Int32Array;
}

/** An image that cannot be used, and why. */
export interface Unreadable {
  readonly index: number;
  readonly id: string;
  readonly reason: string;
}

/** What a loader is made of. */
export interface LoaderOptions {
  readonly transform: Transform;
  readonly batchSize: number;
  /** Seed of the order and of random steps; default 0. */
  readonly seed?: number;
  /** What an epoch shows: every image once, or as many images of each class; default `all`. */
  readonly sampling?: "all" | "balanced";
  readonly decode: Decode;
  /** Bytes of decoded images kept in memory; default 1 GiB. What does not fit is decoded in every epoch. */
  readonly cacheBytes?: number;
  /** Batches made ahead of the one in use; default 4. */
  readonly prefetchBatches?: number;
  /** Images decoded beside each other; default 4. */
  readonly parallel?: number;
  /** Called once for each image that turns out unreadable; it is then left out. Without it such an image is an error. */
  readonly onUnreadable?: (image: Unreadable) => void;
}

/** Serves one split of a data set as batches. */
export interface Loader {
  readonly count: number;
  /** Batches per epoch. */
  readonly batchCount: number;
  /** The images of every batch of an epoch. */
  batches(epoch: number): readonly Int32Array[];
  /**
   * The batches of a training epoch, from batch `from` on. They depend on the seed and the epoch alone, so a run that is
   * continued sees the same bits.
   */
  epoch(epoch: number, from?: number): AsyncGenerator<Batch, void>;
  /** The batches in the set's own order, without the random steps: for evaluation and for cached features. */
  inOrder(from?: number): AsyncGenerator<Batch, void>;
  /** The images whose header is bad, or whose end is missing and which then cannot be decoded, in the set's order. */
  check(): Promise<readonly Unreadable[]>;
  /** Decodes every image, keeps what fits into the cache, and gives those that cannot be decoded. */
  warm(): Promise<readonly Unreadable[]>;
}

/**
 * A loader: it decodes beside the training, some batches ahead, keeps the images as they are before the first random
 * step, and does the random steps in every epoch with the stream of that sample in that epoch.
 *
 * Bad images are met in three places. `check` reads every file once, before the training, and looks at headers and
 * endings: under a millisecond each, and it finds what really occurs (empty and cut files, other formats, bombs). What
 * only a full decode shows stops `epoch`, in the first one. For the splits that are read late, run `warm` beside the
 * first epoch: so no bad image of `test` ends a run at its end. A full decode of everything before the first step
 * would cost the start of the training.
 * @throws ConfigError where there are no images or the batch size is not at least 1
 */
export function createLoader(examples: Examples, options: LoaderOptions): Loader {
  const { transform, decode, batchSize, seed = 0, sampling = "all" } = options;
  const { cacheBytes = 2 ** 30, prefetchBatches = 4, parallel = 4 } = options;
  const { count } = examples;
  if (count === 0) throw new ConfigError("data: there are no images to load; expected at least one.");
  const { fixed, random } = splitAtRandom(transform);
  const limit = limitTasks(parallel);
  const cache = new Map<number, RgbImage>();
  const bad = new Map<number, Unreadable>();
  let bytesLeft = cacheBytes;

  const batches = (epoch: number): readonly Int32Array[] =>
    inBatches(
      sampling === "all" ? epochOrder(count, seed, epoch) : balancedOrder(examples.labels, seed, epoch),
      batchSize,
    );

  async function load(index: number): Promise<RgbImage> {
    const cached = cache.get(index);
    if (cached) return cached;
    const image = await decode(await examples.read(index), examples.id(index), fixed);
    if (!cache.has(index) && image.data.byteLength <= bytesLeft) {
      bytesLeft -= image.data.byteLength;
      cache.set(index, image);
    }
    return image;
  }

  /** What the task gives, or a record of why the file is bad. Errors that are not about the file pass through. */
  const guard = async <T>(index: number, task: () => Promise<T>): Promise<T | Unreadable> => {
    try {
      return await task();
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return { index, id: examples.id(index), reason: error.message };
    }
  };

  async function fetchImage(index: number): Promise<RgbImage | undefined> {
    if (bad.has(index)) return undefined;
    const result = await guard(index, () => load(index));
    if ("data" in result) return result;
    if (!options.onUnreadable) throw new FormatError(result.reason);
    if (!bad.has(index)) options.onUnreadable(result);
    bad.set(index, result);
    return undefined;
  }

  async function* serve(lists: readonly Int32Array[], from: number, epoch: number | undefined) {
    let stopped = false;
    const make = async (step: number): Promise<Batch | undefined> => {
      const indices = lists[step] ?? new Int32Array(0);
      const images = await Promise.all(
        Array.from(indices, (index) => limit(async () => (stopped ? undefined : fetchImage(index)))),
      );
      const shown = new Map<number, number>();
      const randomize = (image: RgbImage, index: number): RgbImage => {
        if (epoch === undefined) return image;
        // An image that an epoch shows again is changed in another way.
        const again = shown.get(index) ?? 0;
        shown.set(index, again + 1);
        const place = sampling === "all" ? [] : [step, again];
        return applyTransform(random, image, stream(seed, "augment", epoch, index, ...place));
      };
      return assemble(examples, step, indices, images, randomize);
    };
    const ahead: Promise<Batch | undefined>[] = [];
    try {
      for (let next = from; next < lists.length || ahead.length > 0; ) {
        while (next < lists.length && ahead.length <= prefetchBatches) {
          const promise = make(next++);
          // The error is thrown where the batch is awaited; until then it must not count as unhandled.
          promise.catch(() => undefined);
          ahead.push(promise);
        }
        const batch = await ahead.shift();
        if (batch) yield batch;
      }
    } finally {
      stopped = true;
    }
  }

  async function examine(task: (index: number) => Promise<unknown>): Promise<readonly Unreadable[]> {
    const found: Unreadable[] = [];
    await forEachIndex(count, parallel, async (index) => {
      const result = await limit(() => guard(index, async () => void (await task(index))));
      if (result) found.push(result);
    });
    return found.sort((a, b) => a.index - b.index);
  }

  return {
    count,
    batchCount: batchesInOrder(count, batchSize).length,
    batches,
    epoch: (epoch, from = 0) => serve(batches(epoch), from, epoch),
    inOrder: (from = 0) => serve(batchesInOrder(count, batchSize), from, undefined),
    check: () =>
      examine(async (index) => {
        const bytes = await examples.read(index);
        const { complete } = imageHeader(bytes, examples.id(index));
        if (!complete) await decode(bytes, examples.id(index), fixed);
      }),
    warm: () => examine(load),
  };
}

/** One batch from its images; those left out are `undefined`. `undefined` where none is left. */
function assemble(
  examples: Examples,
  step: number,
  all: Int32Array,
  loaded: readonly (RgbImage | undefined)[],
  randomize: (image: RgbImage, index: number) => RgbImage,
): Batch | undefined {
  const indices = all.filter((_, i) => loaded[i]);
  const present = loaded.filter((image) => image !== undefined);
  let images: Uint8Array | undefined;
  let size: readonly [number, number] = [0, 0];
  present.forEach((image, i) => {
    const index = indices[i] as number;
    const { height, width, data } = randomize(image, index);
    images ??= new Uint8Array(present.length * data.length);
    if (i === 0) size = [height, width];
    if (height !== size[0] || width !== size[1]) {
      throw new ShapeError(
        `${examples.id(index)}: expected ${size[0]} x ${size[1]} pixels as the others of its batch, got ` +
          `${height} x ${width}. Let the transform end in one size, as resize(224) or center-crop(224) do.`,
      );
    }
    images.set(data, i * data.length);
  });
  if (!images) return undefined;
  const labels = indices.map((index) => examples.labels[index] as number);
  return { step, images, shape: [present.length, ...size, 3], labels, indices };
}

/**
 * One error for images that cannot be used, naming up to ten; nothing where there are none.
 * @param place what the images belong to, for the message
 * @throws FormatError
 */
export function refuseUnreadable(images: readonly Unreadable[], place = "data"): void {
  if (images.length === 0) return;
  const shown = images.slice(0, 10).map(({ reason }) => `  ${reason}`);
  const more = images.length > 10 ? [`  … and ${images.length - 10} more`] : [];
  const count = images.length === 1 ? "one image" : `${images.length} images`;
  throw new FormatError(
    [`${place}: ${count} cannot be read (--skip-unreadable goes on without):`, ...shown, ...more].join("\n"),
  );
}

/** The images without the unreadable ones. */
export const readableIndices = (count: number, images: readonly Unreadable[]): Int32Array => {
  const bad = new Set(images.map(({ index }) => index));
  return Int32Array.from({ length: count }, (_, i) => i).filter((index) => !bad.has(index));
};
