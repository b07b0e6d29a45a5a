import { readFileSync } from "node:fs";
import type { RgbImage } from "../../src/data/image.js";
import { draw } from "./draw.js";

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

/** The same with few values, as in golden/augment/make.py. */
export function dim(height: number, width: number): RgbImage {
  const image = draw(height, width);
  return { ...image, data: image.data.map((value) => Math.floor(value / 3) + 40) };
}
