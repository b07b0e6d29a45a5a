import { readFile } from "node:fs/promises";
import type { Examples } from "../data/dataset.js";
import { createLoader, type Unreadable } from "../data/loader.js";
import { FormatError } from "../errors.js";
import { type Candidate, candidatesOf } from "../evaluate/candidates.js";
import { probabilitiesOf } from "../evaluate/metrics.js";
import { imageExamples } from "../train/examples.js";
import { answerRows } from "../train/rows.js";
import { type ClassifierOptions, openClassifier } from "./classifier.js";
import { codeOf } from "./files.js";
import { decodeImage, parallelDecodes } from "./images.js";

/** An image to predict: a file, or bytes with a name. */
export type ImageInput = string | { readonly name: string; readonly bytes: Uint8Array };

/** What predicts, and how much of its answer is wanted. */
export interface PredictOptions extends ClassifierOptions {
  /** Classes per image, best first; default 5. */
  readonly topK?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told of every image that cannot be read; without it such an image is an error. */
  readonly onUnreadable?: ((image: Unreadable) => void) | undefined;
}

/** The answer for one image. */
export interface Prediction {
  /** The file as it was given. */
  readonly file: string;
  /** Best first. */
  readonly top: readonly Candidate[];
}

/**
 * The predictions for images, in their order, as they are made.
 * @throws ConfigError where run or backbone are missing
 * @throws FormatError where a file is damaged; for an image only without `onUnreadable`
 */
export async function* predict(
  images: readonly ImageInput[],
  options: PredictOptions,
): AsyncGenerator<Prediction, void> {
  if (images.length === 0) return;
  const { topK = 5, signal, onUnreadable } = options;
  const classifier = await openClassifier(options);
  const { team, classes, classCount, transform } = classifier;
  try {
    const loader = createLoader(examplesOf(images), {
      transform,
      batchSize: Math.min(images.length, 2 * team.lanes * team.microBatch),
      decode: decodeImage,
      cacheBytes: 0,
      parallel: parallelDecodes(),
      ...(onUnreadable && { onUnreadable }),
    });
    for await (const { rows, indices } of imageExamples(loader).inOrder()) {
      const probabilities = probabilitiesOf(await answerRows(team, rows, signal), classCount);
      for (const [row, index] of indices.entries()) {
        const own = probabilities.subarray(row * classCount, (row + 1) * classCount);
        yield { file: nameOf(images[index] as ImageInput), top: candidatesOf(own, classes, topK) };
      }
    }
  } finally {
    await classifier.close();
  }
}

const nameOf = (image: ImageInput): string => (typeof image === "string" ? image : image.name);

function examplesOf(images: readonly ImageInput[]): Examples {
  const at = (index: number): ImageInput => images[index] as ImageInput;
  const read = async (index: number): Promise<Uint8Array> => {
    const image = at(index);
    if (typeof image !== "string") return image.bytes;
    return readFile(image).catch((error) => {
      const why = codeOf(error) || (error instanceof Error ? error.message : String(error));
      throw new FormatError(`${image}: cannot be read (${why}). Check the path and its rights.`, { cause: error });
    });
  };
  return {
    count: images.length,
    labels: new Int32Array(images.length),
    id: (index) => nameOf(at(index)),
    read,
    size: async (index) => (await read(index)).length,
  };
}
