import sharp from "sharp";
import type { Examples } from "../data/dataset.js";
import { imageHeader, largestPixelCount } from "../data/image-header.js";

/** Longest side of a thumbnail in pixels: sharp on screens with two pixels per point. */
const longestSide = 256;

/**
 * Small pictures of the named images as `data:` addresses, by name. Images that are missing or cannot be read are left
 * out.
 */
export async function thumbnailsOf(examples: Examples, names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const wanted = new Set(names);
  const found = new Map<string, string>();
  for (let i = 0; i < examples.count && found.size < wanted.size; i++) {
    const name = examples.id(i);
    if (!wanted.has(name)) continue;
    const picture = await drawThumbnail(await examples.read(i).catch(() => new Uint8Array()), name).catch(
      () => undefined,
    );
    if (picture) found.set(name, picture);
  }
  return found;
}

/** Without the photo's metadata: where and when it was taken does not go on. */
async function drawThumbnail(bytes: Uint8Array, name: string): Promise<string> {
  imageHeader(bytes, name);
  const webp = await sharp(bytes, { limitInputPixels: largestPixelCount, failOn: "error" })
    .autoOrient()
    .resize(longestSide, longestSide, { fit: "inside", withoutEnlargement: true })
    .webp({ quality: 66, effort: 4 })
    .toBuffer();
  return `data:image/webp;base64,${webp.toString("base64")}`;
}
