import type { RgbImage } from "../image.js";
import type { Rules, StepRule } from "./rule.js";

/** Steps that mirror half of the images. */
export type FlipStep = { readonly name: "flip" } | { readonly name: "vertical-flip" };

const flipRule = <N extends FlipStep["name"]>(
  name: N,
  mirror: (image: RgbImage) => RgbImage,
): StepRule<{ readonly name: N }> => ({
  usage: name,
  random: true,
  parse: (args) => (args.length === 0 ? { name } : undefined),
  print: () => [],
  size: (_, before) => before,
  apply: (image, _, random) => (random.uniform() < 0.5 ? mirror(image) : image),
});

/** The rules of the steps that mirror. */
export const flipRules: Rules<FlipStep> = {
  flip: flipRule("flip", exchangeSides),
  "vertical-flip": flipRule("vertical-flip", turnOver),
};

/** The image with left and right exchanged. */
function exchangeSides({ width, height, data }: RgbImage): RgbImage {
  const mirrored = new Uint8Array(data.length);
  let to = 0;
  for (let y = 1; y <= height; y++) {
    for (let from = (y * width - 1) * 3, begin = (y - 1) * width * 3; from >= begin; from -= 3) {
      mirrored[to] = data[from] as number;
      mirrored[to + 1] = data[from + 1] as number;
      mirrored[to + 2] = data[from + 2] as number;
      to += 3;
    }
  }
  return { width, height, data: mirrored };
}

/** The image with top and bottom exchanged. */
function turnOver({ width, height, data }: RgbImage): RgbImage {
  const mirrored = new Uint8Array(data.length);
  const row = width * 3;
  for (let y = 0; y < height; y++) mirrored.set(data.subarray(y * row, (y + 1) * row), (height - 1 - y) * row);
  return { width, height, data: mirrored };
}
