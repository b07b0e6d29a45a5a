import type { RgbImage } from "../image.js";
import { mapTones, tableOf } from "./tone.js";

// Pillow blends in single precision, and cuts what is behind the point: from + factor · (to − from).
const blend = (from: number, to: number, factor: number): number =>
  Math.fround(from + Math.fround(Math.fround(factor) * (to - from)));

/** `factor · (to − from)` for every difference from −255 to 255, at place difference + 255. */
const differences = (factor: number): Float32Array =>
  Float32Array.from({ length: 511 }, (_, i) => Math.fround(factor) * (i - 255));

const cut = (value: number): number => (value <= 0 ? 0 : value >= 255 ? 255 : value | 0);

/** Luma of a pixel, ITU-R 601-2 in 16-bit fixed point: `(19595 R + 38470 G + 7471 B) / 2¹⁶`, rounded. */
const luma = (red: number, green: number, blue: number): number =>
  (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;

/**
 * The image between black (factor 0) and itself (1), or brighter.
 * @see Pillow `ImageEnhance.Brightness`
 */
export const changeBrightness = (image: RgbImage, factor: number): RgbImage =>
  factor === 1
    ? image
    : mapTones(
        image,
        tableOf((v) => blend(0, v, factor)),
      );

/**
 * The image between its mean grey (factor 0) and itself (1), or with more contrast.
 * @see Pillow `ImageEnhance.Contrast`
 */
export function changeContrast(image: RgbImage, factor: number): RgbImage {
  if (factor === 1) return image;
  const { data } = image;
  let sum = 0;
  for (let i = 0; i < data.length; i += 3) {
    sum += luma(data[i] as number, data[i + 1] as number, data[i + 2] as number);
  }
  const mean = Math.trunc(sum / (data.length / 3) + 0.5);
  return mapTones(
    image,
    tableOf((v) => blend(mean, v, factor)),
  );
}

/**
 * The image between its greys (factor 0) and itself (1), or more colourful.
 * @see Pillow `ImageEnhance.Color`
 */
export function changeSaturation(image: RgbImage, factor: number): RgbImage {
  if (factor === 1) return image;
  const { width, height, data } = image;
  const changed = new Uint8Array(data.length);
  const moves = differences(factor);
  for (let i = 0; i < data.length; i += 3) {
    const [red, green, blue] = [data[i] as number, data[i + 1] as number, data[i + 2] as number];
    const grey = luma(red, green, blue);
    changed[i] = cut(Math.fround(grey + (moves[red - grey + 255] as number)));
    changed[i + 1] = cut(Math.fround(grey + (moves[green - grey + 255] as number)));
    changed[i + 2] = cut(Math.fround(grey + (moves[blue - grey + 255] as number)));
  }
  return { width, height, data: changed };
}

/**
 * The image between its smoothed self (factor 0) and itself (1), or sharper. Smooth is the mean of 3 × 3 pixels with the
 * middle one counted five times, rounded; pixels at the border stay.
 * @see Pillow `ImageEnhance.Sharpness`, `ImageFilter.SMOOTH`
 */
export function changeSharpness(image: RgbImage, factor: number): RgbImage {
  if (factor === 1) return image;
  const { width, height, data } = image;
  const changed = data.slice();
  const moves = differences(factor);
  const row = width * 3;
  for (let y = 1; y < height - 1; y++) {
    for (let i = y * row + 3; i < (y + 1) * row - 3; i++) {
      const own = data[i] as number;
      const sum =
        (data[i - row - 3] as number) +
        (data[i - row] as number) +
        (data[i - row + 3] as number) +
        (data[i - 3] as number) +
        5 * own +
        (data[i + 3] as number) +
        (data[i + row - 3] as number) +
        (data[i + row] as number) +
        (data[i + row + 3] as number);
      // Sums over 13 are never half way between two whole numbers, so this is Pillow's sum of fractions, rounded.
      const smooth = ((2 * sum + 13) / 26) | 0;
      changed[i] = cut(Math.fround(smooth + (moves[own - smooth + 255] as number)));
    }
  }
  return { width, height, data: changed };
}
