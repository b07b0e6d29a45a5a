import { availableParallelism } from "node:os";
import process from "node:process";
import sharp, { type ResizeOptions, type Sharp } from "sharp";
import type { RgbImage } from "../data/image.js";
import { imageHeader, largestPixelCount } from "../data/image-header.js";
import type { Decode } from "../data/loader.js";
import { stream } from "../data/random.js";
import { applyTransform, type Step, shortSize } from "../data/transform.js";
import { FormatError } from "../errors.js";

// Images run beside each other, so one thread each; libvips' cache would only hold what is never asked for again.
sharp.concurrency(1);
sharp.cache(false);

const kernels = { bicubic: "cubic", bilinear: "linear" } as const;

/** How many images this machine decodes beside each other: one per core, within libuv's default four threads. */
export const parallelDecodes = (): number => Math.min(4, availableParallelism());

/** How many bytes of decoded images may be kept by default: a quarter of the memory that is free now. */
export const defaultCacheBytes = (): number => Math.floor(process.availableMemory() / 4);

/**
 * The RGB image that an encoded JPEG, PNG, WebP, GIF, TIFF or AVIF holds, the first where there are several, after the
 * fixed steps of a transform. The EXIF orientation is applied, grey becomes three equal channels, 16 bits become 8 (the
 * upper byte), CMYK becomes RGB by libvips' profile of common print, an alpha channel is dropped and an embedded colour profile ignored (both as Pillow's `convert("RGB")` does). A resize right
 * after `decode` that shrinks runs natively and off this thread, within a mean of 0.7/255 of the portable one; one that
 * enlarges is the portable one, since libvips' differs by up to 3/255.
 * @param name the file's name, for messages
 * @throws FormatError naming the file where it is not a readable image, or one of more than 100 megapixels; the size is
 * refused from the header, before memory is taken
 */
export const decodeImage: Decode = async (bytes, name, fixed) => {
  const header = imageHeader(bytes, name);
  try {
    const image = sharp(bytes, { limitInputPixels: largestPixelCount, failOn: "error", ignoreIcc: true }).autoOrient();
    // libvips would weigh colours by alpha while it resizes; Pillow drops alpha first.
    const shrink = header.alpha ? undefined : await nativeShrink(image, fixed[1]);
    const pixels = await toRgb(shrink ? image.resize(shrink) : image);
    const rest = fixed.slice(shrink ? 2 : 1);
    return rest.length > 0 ? applyTransform(rest, pixels, stream(0)) : pixels;
  } catch (error) {
    const reason = error instanceof Error ? error.message.replaceAll(/\s+/g, " ").trim() : String(error);
    throw new FormatError(
      `${name}: cannot decode this ${header.format} image: ${reason}. Replace or remove the file.`,
      {
        cause: error,
      },
    );
  }
};

/** How sharp does a step that shrinks both sides; `undefined` for every other step. */
async function nativeShrink(image: Sharp, step: Step | undefined): Promise<ResizeOptions | undefined> {
  if (step?.name !== "resize" && step?.name !== "resize-short") return undefined;
  const { autoOrient: from } = await image.metadata();
  const [height, width] =
    step.name === "resize" ? [step.height, step.width] : shortSize(from.height, from.width, step.size);
  if (height > from.height || width > from.width) return undefined;
  return { width, height, fit: "fill", kernel: kernels[step.filter], fastShrinkOnLoad: false };
}

async function toRgb(image: Sharp): Promise<RgbImage> {
  const { data, info } = await image
    .removeAlpha()
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (channels === 3) return { width, height, data };
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < rgb.length; i++) rgb[i] = data[Math.floor(i / 3) * channels] as number;
  return { width, height, data: rgb };
}
