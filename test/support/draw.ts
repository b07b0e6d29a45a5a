import type { RgbImage } from "../../src/data/image.js";

/** The image of the formula in golden/resize/make.py and golden/augment/make.py. */
export function draw(height: number, width: number, shift = 0): RgbImage {
  const data = new Uint8Array(height * width * 3);
  for (let i = 0; i < data.length; i++) {
    const [y, x, c] = [Math.floor(i / (width * 3)), (Math.floor(i / 3) % width) + shift, i % 3];
    const noise = Math.floor(((x * 2654435761 + y * 40503 + c * 7919) % 2 ** 32) / 2 ** 13) % 64;
    data[i] = (y * y * 7 + x * x * 13 + x * y * 5 + c * 91 + noise) % 256;
  }
  return { width, height, data };
}
