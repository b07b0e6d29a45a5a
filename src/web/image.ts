/// <reference lib="dom" />
import type { RgbImage } from "../data/image.js";
import { FormatError } from "../errors.js";

/** What a page has of an image: a file, a blob, an `<img>`, a canvas, a video frame; or pixels. */
export type WebImage = ImageBitmapSource | RgbImage;

/**
 * The pixels of an image: the EXIF orientation applied, colour profiles ignored, alpha dropped, as the training sees them.
 * A browser multiplies colours by alpha on the way, so where alpha is near 0 colours are lost.
 * @throws FormatError where the browser cannot decode it
 */
export async function decodeWebImage(image: WebImage): Promise<RgbImage> {
  if ("data" in image && image.data.length === image.width * image.height * 3) return image as RgbImage;
  const bitmap = await createImageBitmap(image as ImageBitmapSource, {
    colorSpaceConversion: "none",
    premultiplyAlpha: "none",
    imageOrientation: "from-image",
  }).catch((cause: unknown) => {
    const name = image instanceof File ? image.name : "image";
    throw new FormatError(`${name}: the browser cannot decode it. Try a JPEG or PNG file.`, { cause });
  });
  try {
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    if (context === null) throw new FormatError(`image: ${width} x ${height} pixels do not fit into a canvas here.`);
    context.drawImage(bitmap, 0, 0);
    const rgba = context.getImageData(0, 0, width, height).data;
    const data = new Uint8Array(width * height * 3);
    for (let from = 0, to = 0; from < rgba.length; from += 4) {
      data[to++] = rgba[from] as number;
      data[to++] = rgba[from + 1] as number;
      data[to++] = rgba[from + 2] as number;
    }
    return { width, height, data };
  } finally {
    bitmap.close();
  }
}
