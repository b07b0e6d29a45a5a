import type { RgbImage } from "./image.js";
import type { Stream } from "./random.js";
import { type FilterName, resize } from "./resize.js";

/** The rectangle of an image that begins at `top` and `left`, which may lie outside; what is outside is black. */
export function crop(image: RgbImage, top: number, left: number, height: number, width: number): RgbImage {
  const data = new Uint8Array(height * width * 3);
  const [from, to] = [Math.max(0, left), Math.min(image.width, left + width)];
  if (from < to) {
    for (let y = Math.max(0, top); y < Math.min(image.height, top + height); y++) {
      const row = image.data.subarray((y * image.width + from) * 3, (y * image.width + to) * 3);
      data.set(row, ((y - top) * width + from - left) * 3);
    }
  }
  return { width, height, data };
}

/** The middle of an image; where the image is smaller, black fills the border (as torchvision). */
export const centerCrop = (image: RgbImage, height: number, width: number): RgbImage =>
  crop(image, halve(image.height - height), halve(image.width - width), height, width);

/** Half of a difference, a tie going to the even number, as Python's `round` does. */
function halve(difference: number): number {
  const half = Math.floor(difference / 2);
  return difference % 2 !== 0 && half % 2 !== 0 ? half + 1 : half;
}

/**
 * A rectangle at a place drawn uniformly from the image inside a black border; where even that is smaller, its middle.
 * @param padding pixels of the border on each side
 * @see torchvision `transforms.RandomCrop`
 */
export function randomCrop(image: RgbImage, height: number, width: number, padding: number, random: Stream): RgbImage {
  const place = (side: number, wanted: number): number => {
    const room = side + 2 * padding - wanted;
    return room >= 0 ? random.integer(room + 1) - padding : halve(side - wanted);
  };
  const top = place(image.height, height);
  return crop(image, top, place(image.width, width), height, width);
}

/**
 * A part of the image resized to `height` × `width`: its area is uniform in `[minScale, 1]` of the image's, the logarithm
 * of width/height uniform between ln ¾ and ln 4⁄3, its place uniform. When ten draws do not fit, the largest middle part
 * whose proportions lie in these bounds.
 * @param minScale in (0, 1]
 * @see Szegedy et al., Going deeper with convolutions, 2015, section 6; torchvision `transforms.RandomResizedCrop`
 */
export function randomResizedCrop(
  image: RgbImage,
  height: number,
  width: number,
  minScale: number,
  filter: FilterName,
  random: Stream,
): RgbImage {
  const [narrow, wide] = [3 / 4, 4 / 3];
  const cut = (top: number, left: number, h: number, w: number): RgbImage =>
    resize(crop(image, top, left, h, w), height, width, filter);
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = image.height * image.width * (minScale + (1 - minScale) * random.uniform());
    const ratio = narrow * (wide / narrow) ** random.uniform();
    const w = Math.round(Math.sqrt(area * ratio));
    const h = Math.round(Math.sqrt(area / ratio));
    if (w < 1 || h < 1 || w > image.width || h > image.height) continue;
    const top = random.integer(image.height - h + 1);
    return cut(top, random.integer(image.width - w + 1), h, w);
  }
  const ratio = image.width / image.height;
  const h = ratio < narrow ? Math.max(1, Math.round(image.width / narrow)) : image.height;
  const w = ratio > wide ? Math.max(1, Math.round(image.height * wide)) : image.width;
  return cut(halve(image.height - h), halve(image.width - w), h, w);
}
