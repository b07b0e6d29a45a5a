import { FormatError } from "../errors.js";
import { type Dataset, type Split, splitNames } from "./dataset.js";
import { type Fingerprint, fingerprint } from "./fingerprint.js";
import { type ImageFormat, imageHeader } from "./image-header.js";
import { forEachIndex } from "./limit.js";
import type { Decode } from "./loader.js";
import { sha256 } from "./sha256.js";

/** What is known of an image once it has been decoded. */
export interface ImageFacts {
  readonly id: string;
  readonly split: Split;
  readonly label: number;
  /** Length of the file. */
  readonly bytes: number;
  readonly format: ImageFormat;
  /** Pixels, upright. */
  readonly width: number;
  readonly height: number;
  /** SHA-256 of the file. */
  readonly fileHash: string;
  /** SHA-256 of size and pixels. */
  readonly pixelHash: string;
  readonly print: Fingerprint;
}

/** An image that cannot be read, and why. */
export interface UnreadableImage {
  readonly id: string;
  readonly split: Split;
  readonly label: number;
  readonly reason: string;
}

/** All images of a data set. */
export interface Survey {
  /** Split by split, in the set's order. */
  readonly images: readonly ImageFacts[];
  readonly unreadable: readonly UnreadableImage[];
}

/** How a data set is looked through. */
export interface SurveyOptions {
  readonly decode: Decode;
  /** Images decoded beside each other; default 4. */
  readonly parallel?: number;
  readonly signal?: AbortSignal | undefined;
  /** Told now and then how many images are done. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** The facts about every image of a data set; each is read and decoded once, and of its pixels only a fingerprint stays. */
export async function surveyDataset({ splits }: Dataset, options: SurveyOptions): Promise<Survey> {
  const { decode, parallel = 4, signal, onProgress } = options;
  const total = splitNames.reduce((sum, name) => sum + (splits[name]?.count ?? 0), 0);
  const images: ImageFacts[] = [];
  const unreadable: UnreadableImage[] = [];
  let done = 0;
  for (const split of splitNames) {
    const examples = splits[split];
    if (!examples) continue;
    const found = new Array<ImageFacts | UnreadableImage>(examples.count);
    await forEachIndex(examples.count, parallel, async (index) => {
      signal?.throwIfAborted();
      const known = { id: examples.id(index), split, label: examples.labels[index] as number };
      found[index] = await examples
        .read(index)
        .then(async (bytes) => ({ ...known, ...(await factsOf(bytes, known.id, decode)) }))
        .catch((error: unknown) => {
          if (!(error instanceof FormatError)) throw error;
          return { ...known, reason: error.message };
        });
      onProgress?.(++done, total);
    });
    for (const image of found) {
      if ("reason" in image) unreadable.push(image);
      else images.push(image);
    }
  }
  return { images, unreadable };
}

async function factsOf(bytes: Uint8Array, id: string, decode: Decode) {
  const { format } = imageHeader(bytes, id);
  const fileHash = await sha256(bytes);
  const image = await decode(bytes, id, [{ name: "decode" }]);
  const { width, height } = image;
  const pixelHash = `${width}x${height}-${await sha256(image.data)}`;
  return { bytes: bytes.byteLength, format, width, height, fileHash, pixelHash, print: fingerprint(image) };
}
