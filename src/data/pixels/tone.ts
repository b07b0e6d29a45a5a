import type { RgbImage } from "../image.js";

/** New values for the 256 old ones of each channel, one channel after the other. */
type Table = Uint8Array;

/** The image with every value replaced by the table's for its channel. */
export function mapTones({ width, height, data }: RgbImage, table: Table): RgbImage {
  const mapped = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 3) {
    mapped[i] = table[data[i] as number] as number;
    mapped[i + 1] = table[256 + (data[i + 1] as number)] as number;
    mapped[i + 2] = table[512 + (data[i + 2] as number)] as number;
  }
  return { width, height, data: mapped };
}

/** The same function of a value, cut to whole numbers from 0 to 255, for all channels. */
export function tableOf(value: (old: number) => number): Table {
  const table = new Uint8Array(768);
  for (let i = 0; i < 256; i++) {
    const next = value(i);
    table[i] = next <= 0 ? 0 : next >= 255 ? 255 : Math.trunc(next);
  }
  table.copyWithin(256, 0, 256);
  table.copyWithin(512, 0, 256);
  return table;
}

/** The negative: `255 − v`. */
export const invert = (image: RgbImage): RgbImage =>
  mapTones(
    image,
    tableOf((v) => 255 - v),
  );

/** The image with values from `threshold` on turned into their negative. */
export const solarize = (image: RgbImage, threshold: number): RgbImage =>
  mapTones(
    image,
    tableOf((v) => (v < threshold ? v : 255 - v)),
  );

/** The image with values below 128 raised by `added`. */
export const solarizeAdd = (image: RgbImage, added: number): RgbImage =>
  mapTones(
    image,
    tableOf((v) => (v < 128 ? v + added : v)),
  );

/** The image with only the `bits` highest bits of each value. */
export const posterize = (image: RgbImage, bits: number): RgbImage =>
  mapTones(
    image,
    tableOf((v) => v & (0xff << (8 - bits))),
  );

/** How often each value occurs, channel after channel. */
function histogramOf({ data }: RgbImage): Int32Array {
  const counts = new Int32Array(768);
  for (let i = 0; i < data.length; i += 3) {
    (counts[data[i] as number] as number)++;
    (counts[256 + (data[i + 1] as number)] as number)++;
    (counts[512 + (data[i + 2] as number)] as number)++;
  }
  return counts;
}

/** The image through a table made of each channel's histogram; `undefined` leaves a channel as it is. */
function mapByHistogram(image: RgbImage, tones: (counts: Int32Array) => Uint8Array | undefined): RgbImage {
  const counts = histogramOf(image);
  const table = tableOf((v) => v);
  for (const channel of [0, 256, 512]) {
    const own = tones(counts.subarray(channel, channel + 256));
    if (own) table.set(own, channel);
  }
  return mapTones(image, table);
}

/**
 * The image with each channel stretched to the whole range: `(v − lowest) · 255 / (highest − lowest)`.
 * @see Pillow `ImageOps.autocontrast`
 */
export const autoContrast = (image: RgbImage): RgbImage =>
  mapByHistogram(image, (counts) => {
    const lowest = counts.findIndex((count) => count > 0);
    const highest = counts.findLastIndex((count) => count > 0);
    if (highest <= lowest) return undefined;
    const scale = 255 / (highest - lowest);
    return tableOf((v) => v * scale + -lowest * scale).subarray(0, 256);
  });

/**
 * The image with each channel's values spread so that all are about equally frequent.
 * @see Pillow `ImageOps.equalize`
 */
export const equalize = (image: RgbImage): RgbImage =>
  mapByHistogram(image, (counts) => {
    const last = counts[counts.findLastIndex((count) => count > 0)] ?? 0;
    const step = Math.floor((image.width * image.height - last) / 255);
    if (step === 0) return undefined;
    let sum = Math.floor(step / 2);
    const tones = new Uint8Array(256);
    for (let v = 0; v < 256; v++) {
      tones[v] = Math.min(255, Math.floor(sum / step));
      sum += counts[v] as number;
    }
    return tones;
  });
