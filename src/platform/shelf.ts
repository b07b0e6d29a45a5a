import type { RgbImage } from "../data/image.js";
import type { Decode } from "../data/loader.js";
import { printTransform } from "../data/transform.js";
import type { TrainConfig } from "../train/config.js";
import type { Backbone } from "../vit/checkpoint.js";
import { decodeImage, defaultCacheBytes } from "./images.js";
import { type CheckedData, openCheckedData, type SplitOptions } from "./splits.js";
import { openStart } from "./start.js";

/** Where a training gets its network, its data and its decoded images from. */
export interface Shelf {
  openStart(config: TrainConfig): Promise<Backbone>;
  openData(options: SplitOptions): Promise<CheckedData>;
  /** Decodes images of this data set. */
  decoderOf(data: string): Decode;
}

/** A shelf that keeps nothing. */
export const emptyShelf: Shelf = { openStart, openData: openCheckedData, decoderOf: () => decodeImage };

/**
 * A shelf for trainings that follow one another in this process: the last network, the last data set in each of its
 * divisions, and its images after their fixed steps stay, as far as a quarter of the free memory goes. Files must not
 * change meanwhile.
 */
export function keepingShelf(): Shelf {
  const starts = new Map<string, Promise<Backbone>>();
  const divisions = new Map<string, Promise<CheckedData>>();
  const images = new Map<string, RgbImage>();
  let current: string | undefined;
  let bytesLeft = 0;

  /** Forgets a data set when the next one comes: suites go task by task. */
  const turnTo = (data: string): void => {
    if (data === current) return;
    current = data;
    divisions.clear();
    images.clear();
    bytesLeft = defaultCacheBytes();
  };
  return {
    openStart(config) {
      const { backbone, init, seed } = config;
      const key = JSON.stringify([backbone, init, init === "random" ? seed : 0]);
      return remember(starts, key, 1, () => openStart(config));
    },
    openData(options) {
      const { data, final, valFraction, shots, seed, skipUnreadable, only } = options;
      turnTo(data);
      const key = JSON.stringify([data, final, valFraction, shots, seed, skipUnreadable, only]);
      return remember(divisions, key, 16, () => openCheckedData(options));
    },
    decoderOf: (data) => async (bytes, name, fixed) => {
      turnTo(data);
      const key = `${printTransform(fixed)} ${name}`;
      const kept = images.get(key);
      if (kept) return kept;
      const image = await decodeImage(bytes, name, fixed);
      if (data === current && !images.has(key) && image.data.byteLength <= bytesLeft) {
        bytesLeft -= image.data.byteLength;
        images.set(key, image);
      }
      return image;
    },
  };
}

/** What is remembered under a key, or made now; of more than `most` the oldest is forgotten, and so is a failure. */
function remember<T>(shelf: Map<string, Promise<T>>, key: string, most: number, make: () => Promise<T>): Promise<T> {
  const known = shelf.get(key);
  if (known) return known;
  const made = make();
  shelf.set(key, made);
  made.catch(() => shelf.delete(key));
  const [oldest] = shelf.keys();
  if (shelf.size > most && oldest !== undefined) shelf.delete(oldest);
  return made;
}
