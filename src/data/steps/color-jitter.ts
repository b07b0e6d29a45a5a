import type { RgbImage } from "../image.js";
import { changeBrightness, changeContrast, changeSaturation } from "../pixels/blend.js";
import { shiftHue } from "../pixels/hue.js";
import type { Stream } from "../random.js";
import { parseDecimal, type Rules } from "./rule.js";

/** Random changes of the colours; each number is the largest change, 0 is none. */
export interface ColorJitterStep {
  readonly name: "color-jitter";
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
  /** In turns of the colour circle, at most ½. */
  readonly hue: number;
}

/**
 * The image with brightness, contrast and saturation multiplied by factors uniform in `[max(0, 1 − c), 1 + c]` and the hue
 * turned by a share uniform in `[−hue, hue]`, in random order.
 * @see torchvision `transforms.ColorJitter`
 */
function jitterColors(
  image: RgbImage,
  { brightness, contrast, saturation, hue }: ColorJitterStep,
  random: Stream,
): RgbImage {
  const order = random.permutation(4);
  const between = (least: number, most: number): number => least + (most - least) * random.uniform();
  const factor = (change: number): number => between(Math.max(0, 1 - change), 1 + change);
  const [bright, contrasting, saturated] = [factor(brightness), factor(contrast), factor(saturation)];
  const turns = between(-hue, hue);
  const changes = [
    (current: RgbImage) => changeBrightness(current, bright),
    (current: RgbImage) => changeContrast(current, contrasting),
    (current: RgbImage) => changeSaturation(current, saturated),
    (current: RgbImage) => (hue === 0 ? current : shiftHue(current, turns)),
  ];
  return Array.from(order).reduce((current, place) => changes[place]?.(current) ?? current, image);
}

/** The rule of `color-jitter`. */
export const colorJitterRules: Rules<ColorJitterStep> = {
  "color-jitter": {
    usage: "color-jitter(0.4,0.4,0.4,0): largest change of brightness, contrast, saturation and (up to 0.5) hue",
    random: true,
    parse([first = "0.4", second = first, third = first, fourth = "0", ...rest]) {
      const [brightness, contrast, saturation] = [first, second, third].map((text) => parseDecimal(text, 0, 10));
      const hue = parseDecimal(fourth, 0, 0.5);
      if (brightness === undefined || contrast === undefined || saturation === undefined) return undefined;
      return hue !== undefined && rest.length === 0
        ? { name: "color-jitter", brightness, contrast, saturation, hue }
        : undefined;
    },
    print: ({ brightness, contrast, saturation, hue }) => [brightness, contrast, saturation, hue],
    size: (_, before) => before,
    apply: jitterColors,
  },
};
