import type { RgbImage } from "../image.js";
import { mapAffine, rotate } from "../pixels/affine.js";
import { changeBrightness, changeContrast, changeSaturation, changeSharpness } from "../pixels/blend.js";
import { autoContrast, equalize, invert, posterize, solarize, solarizeAdd } from "../pixels/tone.js";
import type { Stream } from "../random.js";
import { type Color, parseColor, parseDecimal, printColor, type Rules } from "./rule.js";

/** A few operations drawn from a table, each as strong as one common magnitude says. */
export interface RandAugmentStep {
  readonly name: "rand-augment";
  /** Operations drawn for each image, with repetition. */
  readonly count: number;
  /** From 0, hardly anything, to 10. */
  readonly magnitude: number;
  /** Standard deviation of the magnitude from draw to draw. */
  readonly deviation: number;
  /** What moves in from outside the image. */
  readonly fill: Color;
}

/** An image operation of one strength. @param level in [0, 1] @param side −1 or 1, for operations with a direction */
type Operation = (image: RgbImage, level: number, side: number, fill: Color) => RgbImage;

/** Brightness and its kin: from 1, no change, down to 0.1 or up to 1.9. */
const factorOf = (level: number, side: number): number => Math.max(0.1, 1 + side * level * 0.9);

/** The table of operations. @see timm `rand_augment_transform`, the operations that grow with the magnitude */
export const operations = {
  "auto-contrast": (image) => autoContrast(image),
  equalize: (image) => equalize(image),
  invert: (image) => invert(image),
  rotate: (image, level, side, fill) => rotate(image, side * level * 30, fill),
  posterize: (image, level) => posterize(image, 4 - Math.trunc(level * 4)),
  solarize: (image, level) => solarize(image, 256 - Math.trunc(level * 256)),
  "solarize-add": (image, level) => solarizeAdd(image, Math.trunc(level * 110)),
  color: (image, level, side) => changeSaturation(image, factorOf(level, side)),
  contrast: (image, level, side) => changeContrast(image, factorOf(level, side)),
  brightness: (image, level, side) => changeBrightness(image, factorOf(level, side)),
  sharpness: (image, level, side) => changeSharpness(image, factorOf(level, side)),
  "shear-x": (image, level, side, fill) => mapAffine(image, [1, side * level * 0.3, 0, 0, 1, 0], fill),
  "shear-y": (image, level, side, fill) => mapAffine(image, [1, 0, 0, side * level * 0.3, 1, 0], fill),
  "translate-x": (image, level, side, fill) =>
    mapAffine(image, [1, 0, side * level * 0.45 * image.width, 0, 1, 0], fill),
  "translate-y": (image, level, side, fill) =>
    mapAffine(image, [1, 0, 0, 0, 1, side * level * 0.45 * image.height], fill),
} as const satisfies Record<string, Operation>;

const table: readonly Operation[] = Object.values(operations);

/**
 * The image after `count` operations drawn from the table, each done with probability ½, at a magnitude drawn from
 * N(magnitude, deviation²) and cut to [0, 10].
 * @see Cubuk, Zoph, Shlens, Le, RandAugment, 2020; the variant is timm's `rand-m9-mstd0.5-inc1`
 */
function randAugment(
  image: RgbImage,
  { count, magnitude, deviation, fill }: RandAugmentStep,
  random: Stream,
): RgbImage {
  let current = image;
  for (let i = 0; i < count; i++) {
    const operation = table[random.integer(table.length)] as Operation;
    if (random.uniform() < 0.5) continue;
    const level = Math.min(10, Math.max(0, magnitude + deviation * random.normal())) / 10;
    current = operation(current, level, random.uniform() < 0.5 ? 1 : -1, fill);
  }
  return current;
}

/** The rule of `rand-augment`. */
export const randAugmentRules: Rules<RandAugmentStep> = {
  "rand-augment": {
    usage: "rand-augment(2,9,0.5,128): operations, magnitude 0 to 10, its deviation, the colour that fills",
    random: true,
    parse([times = "2", strength = "9", spread = "0.5", color = "128", ...rest]) {
      const count = /^[1-9]\d?$/.test(times) ? Number(times) : undefined;
      const magnitude = parseDecimal(strength, 0, 10);
      const deviation = parseDecimal(spread, 0, 100);
      const fill = parseColor(color);
      return count && magnitude !== undefined && deviation !== undefined && fill && rest.length === 0
        ? { name: "rand-augment", count, magnitude, deviation, fill }
        : undefined;
    },
    print: ({ count, magnitude, deviation, fill }) => [count, magnitude, deviation, printColor(fill)],
    size: (_, before) => before,
    apply: randAugment,
  },
};
