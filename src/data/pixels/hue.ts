import type { RgbImage } from "../image.js";

/**
 * The image with its hue turned by `turns` of a circle of 255 steps; brightest channel and saturation stay.
 * @param turns in [−½, ½], cut to whole steps
 * @see torchvision `adjust_hue` over Pillow's conversion to 8-bit HSV and back, which rounds twice
 */
export function shiftHue({ width, height, data }: RgbImage, turns: number): RgbImage {
  const shift = Math.trunc(turns * 255);
  const shifted = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 3) {
    const [red, green, blue] = [data[i] as number, data[i + 1] as number, data[i + 2] as number];
    const value = Math.max(red, green, blue);
    const chroma = value - Math.min(red, green, blue);
    const saturation = chroma === 0 ? 0 : Math.trunc(Math.fround(chroma / value) * 255);
    if (saturation === 0) {
      shifted.fill(value, i, i + 3);
      continue;
    }
    const hue = (hueOf(red, green, blue, value, chroma) + shift) & 255;
    const sector = Math.floor((hue * 6) / 255);
    const within = Math.fround((hue * 6) / 255 - sector);
    const strength = Math.fround(saturation / 255);
    const low = Math.round(value * (1 - strength));
    const falling = Math.round(value * (1 - Math.fround(strength * within)));
    const rising = Math.round(value * (1 - strength * (1 - within)));
    const place = sector % 6;
    shifted[i] = place === 0 || place === 5 ? value : place === 1 ? falling : place === 4 ? rising : low;
    shifted[i + 1] = place === 1 || place === 2 ? value : place === 3 ? falling : place === 0 ? rising : low;
    shifted[i + 2] = place === 3 || place === 4 ? value : place === 5 ? falling : place === 2 ? rising : low;
  }
  return { width, height, data: shifted };
}

/** Hue in 255 steps from red over green and blue back to red. */
function hueOf(red: number, green: number, blue: number, value: number, chroma: number): number {
  const fromRed = Math.fround((value - red) / chroma);
  const fromGreen = Math.fround((value - green) / chroma);
  const fromBlue = Math.fround((value - blue) / chroma);
  const sixths =
    red === value ? fromBlue - fromGreen : green === value ? 2 + fromRed - fromBlue : 4 + fromGreen - fromRed;
  return Math.trunc(Math.fround((Math.fround(sixths) / 6 + 1) % 1) * 255);
}
