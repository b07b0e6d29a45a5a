import { readFileSync } from "node:fs";
import type { RgbImage } from "../../src/data/image.js";

/** One case of golden/augment/augment.json. */
export interface AugmentCase {
  readonly operation: string;
  readonly level?: number;
  readonly side?: number;
  readonly factor?: number;
  readonly image: "draw" | "dim";
  /** Base64 of the result for 11 × 13 pixels. */
  readonly pixels: string;
  /** Hash of the result for 61 × 83 pixels. */
  readonly sha256: string;
}

/** A batch mixed by timm. */
export interface MixCase {
  readonly share: number;
  readonly cut: boolean;
  readonly centre: readonly number[];
  readonly pixels: string;
  readonly targets: readonly (readonly number[])[];
}

/** The golden outputs. */
export const golden = JSON.parse(readFileSync(new URL("../golden/augment/augment.json", import.meta.url), "utf8")) as {
  readonly fill: readonly [number, number, number];
  readonly cases: AugmentCase[];
  readonly mixes: MixCase[];
};

/** The formulas of golden/augment/make.py. */
export function draw(height: number, width: number, shift = 0): RgbImage {
  const data = new Uint8Array(height * width * 3);
  for (let i = 0; i < data.length; i++) {
    const [y, x, c] = [Math.floor(i / (width * 3)), (Math.floor(i / 3) % width) + shift, i % 3];
    const noise = Math.floor(((x * 2654435761 + y * 40503 + c * 7919) % 2 ** 32) / 2 ** 13) % 64;
    data[i] = (y * y * 7 + x * x * 13 + x * y * 5 + c * 91 + noise) % 256;
  }
  return { width, height, data };
}

export function dim(height: number, width: number): RgbImage {
  const image = draw(height, width);
  return { ...image, data: image.data.map((value) => Math.floor(value / 3) + 40) };
}
