import type { RgbImage } from "../image.js";
import { inverseNormal } from "../normal.js";
import type { Stream } from "../random.js";
import { type Color, parseColor, parseDecimal, printColor, type Rules } from "./rule.js";

/** Erasing one rectangle in some of the images. */
export interface RandomErasingStep {
  readonly name: "random-erasing";
  readonly probability: number;
  /** One colour; or for every pixel a colour of its own: `pixel` is normally distributed, `uniform` uniformly. */
  readonly fill: Color | "pixel" | "uniform";
  /** Bounds of the rectangle's share of the area. */
  readonly minArea: number;
  readonly maxArea: number;
  /** Bound of height/width, the other is its inverse. */
  readonly minAspect: number;
}

// Mean and standard deviation of ImageNet's colours. timm erases behind the normalisation, with N(0, 1); where that is
// ImageNet's, the pixels before it are N(mean, deviation²).
const imageNet = [
  [0.485, 0.229],
  [0.456, 0.224],
  [0.406, 0.225],
] as const;

/** For each channel the 8-bit values at 1024 places of the normal distribution, equally probable. */
let quantiles: readonly Uint8ClampedArray[] | undefined;

function normalColors(): readonly Uint8ClampedArray[] {
  quantiles ??= imageNet.map(([mean, deviation]) =>
    Uint8ClampedArray.from({ length: 1024 }, (_, i) => 255 * (mean + deviation * inverseNormal((i + 0.5) / 1024))),
  );
  return quantiles;
}

/**
 * The image, with the given probability with one rectangle erased: its share of the area is uniform in
 * `[minArea, maxArea]`, the logarithm of height/width uniform between those of `minAspect` and its inverse, its place uniform.
 * After ten draws that do not fit nothing is erased.
 * @see Zhong, Zheng, Kang, Li, Yang, Random Erasing Data Augmentation, 2017; timm `RandomErasing`
 */
function eraseRandomly(image: RgbImage, step: RandomErasingStep, random: Stream): RgbImage {
  const { probability, fill, minArea, maxArea, minAspect } = step;
  if (random.uniform() >= probability) return image;
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = image.height * image.width * (minArea + (maxArea - minArea) * random.uniform());
    const aspect = minAspect ** (1 - 2 * random.uniform());
    const height = Math.round(Math.sqrt(area * aspect));
    const width = Math.round(Math.sqrt(area / aspect));
    if (height < 1 || width < 1 || height >= image.height || width >= image.width) continue;
    const top = random.integer(image.height - height + 1);
    const left = random.integer(image.width - width + 1);
    const data = image.data.slice();
    for (let y = top; y < top + height; y++) {
      const row = data.subarray((y * image.width + left) * 3, (y * image.width + left + width) * 3);
      if (fill === "pixel") fillNormally(row, random);
      else if (fill === "uniform") fillUniformly(row, random);
      else for (let i = 0; i < row.length; i++) row[i] = fill[i % 3] as number;
    }
    return { ...image, data };
  }
  return image;
}

// Three values out of one random word: ten bits for each, or eight.
function fillNormally(row: Uint8Array, random: Stream): void {
  const [red, green, blue] = normalColors() as [Uint8ClampedArray, Uint8ClampedArray, Uint8ClampedArray];
  for (let i = 0; i < row.length; i += 3) {
    const word = random.word();
    row[i] = red[word & 1023] as number;
    row[i + 1] = green[(word >>> 10) & 1023] as number;
    row[i + 2] = blue[(word >>> 20) & 1023] as number;
  }
}

function fillUniformly(row: Uint8Array, random: Stream): void {
  for (let i = 0; i < row.length; i += 3) {
    const word = random.word();
    row[i] = word & 255;
    row[i + 1] = (word >>> 8) & 255;
    row[i + 2] = (word >>> 16) & 255;
  }
}

/** The rule of `random-erasing`. */
export const randomErasingRules: Rules<RandomErasingStep> = {
  "random-erasing": {
    usage:
      "random-erasing(0.25,pixel,0.02,0.333333,0.3): probability; pixel, uniform or a colour; bounds of the area's share; least height/width",
    random: true,
    parse([chance = "0.25", filling = "pixel", least = "0.02", most = "0.333333", narrow = "0.3", ...rest]) {
      const probability = parseDecimal(chance, 0, 1);
      const fill = filling === "pixel" || filling === "uniform" ? filling : parseColor(filling);
      const minArea = parseDecimal(least, 0, 1);
      const maxArea = parseDecimal(most, minArea ?? 1, 1);
      const minAspect = parseDecimal(narrow, 1e-3, 1);
      if (probability === undefined || fill === undefined || minArea === undefined || rest.length > 0) return undefined;
      return maxArea && minAspect
        ? { name: "random-erasing", probability, fill, minArea, maxArea, minAspect }
        : undefined;
    },
    print: ({ probability, fill, minArea, maxArea, minAspect }) => [
      probability,
      typeof fill === "string" ? fill : printColor(fill),
      minArea,
      maxArea,
      minAspect,
    ],
    size: (_, before) => before,
    apply: eraseRandomly,
  },
};
