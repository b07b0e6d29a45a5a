import { ConfigError } from "../errors.js";
import { centerCrop, randomCrop, randomResizedCrop } from "./crop.js";
import type { RgbImage } from "./image.js";
import type { Stream } from "./random.js";
import { type FilterName, filterNames, resize } from "./resize.js";

/** Height and width in pixels; `undefined` where they depend on the image. */
export type Size = readonly [height: number, width: number] | undefined;

/** One step of a transform: its name and its arguments, complete with their defaults. */
export type Step =
  | { readonly name: "decode" }
  | { readonly name: "resize"; readonly height: number; readonly width: number; readonly filter: FilterName }
  | { readonly name: "resize-short"; readonly size: number; readonly filter: FilterName }
  | { readonly name: "center-crop"; readonly height: number; readonly width: number }
  | { readonly name: "random-crop"; readonly height: number; readonly width: number; readonly padding: number }
  | {
      readonly name: "random-resized-crop";
      readonly height: number;
      readonly width: number;
      readonly minScale: number;
      readonly filter: FilterName;
    }
  | { readonly name: "flip" };

/** What happens to an image between its file and the batch, step by step; the first step is `decode`. */
export type Transform = readonly Step[];

/** Everything there is to know about one kind of step. A new step is one entry of the table and one line of `Step`. */
interface StepRule<S extends Step> {
  /** The step as people write it, for messages. */
  readonly usage: string;
  /** True where the result depends on the sample's random stream; such steps are never cached. */
  readonly random: boolean;
  /** The step with these arguments, or `undefined` where they make no sense. */
  parse(args: readonly string[]): S | undefined;
  /** The arguments in one canonical form. */
  print(step: S): readonly (string | number)[];
  /** The size after the step. */
  size(step: S, before: Size): Size;
  apply(image: RgbImage, step: S, random: Stream): RgbImage;
}

type StepOf<N extends Step["name"]> = Extract<Step, { name: N }>;

const rules: { readonly [N in Step["name"]]: StepRule<StepOf<N>> } = {
  decode: {
    usage: "decode",
    random: false,
    parse: (args) => (args.length === 0 ? { name: "decode" } : undefined),
    print: () => [],
    size: () => undefined,
    apply: (image) => image,
  },
  resize: {
    usage: "resize(224,bicubic) or resize(HEIGHTxWIDTH,bilinear)",
    random: false,
    parse([size, filter = "bicubic", ...rest]) {
      const [height, width] = parseSize(size) ?? [];
      const known = parseFilter(filter);
      return height && width && known && rest.length === 0
        ? { name: "resize", height, width, filter: known }
        : undefined;
    },
    print: ({ height, width, filter }) => [printSize(height, width), filter],
    size: ({ height, width }) => [height, width],
    apply: (image, { height, width, filter }) => resize(image, height, width, filter),
  },
  "resize-short": {
    usage: "resize-short(248,bicubic)",
    random: false,
    parse([text, filter = "bicubic", ...rest]) {
      const size = parsePixels(text);
      const known = parseFilter(filter);
      return size && known && rest.length === 0 ? { name: "resize-short", size, filter: known } : undefined;
    },
    print: ({ size, filter }) => [size, filter],
    size: () => undefined,
    apply: (image, { size, filter }) => resize(image, ...shortSize(image.height, image.width, size), filter),
  },
  "center-crop": {
    usage: "center-crop(224) or center-crop(HEIGHTxWIDTH)",
    random: false,
    parse([size, ...rest]) {
      const [height, width] = parseSize(size) ?? [];
      return height && width && rest.length === 0 ? { name: "center-crop", height, width } : undefined;
    },
    print: ({ height, width }) => [printSize(height, width)],
    size: ({ height, width }) => [height, width],
    apply: (image, { height, width }) => centerCrop(image, height, width),
  },
  "random-crop": {
    usage:
      "random-crop(SIZE,PADDING): a square of SIZE pixels out of the image inside a black border of PADDING pixels",
    random: true,
    parse([size, padding = "0", ...rest]) {
      const [height, width] = parseSize(size) ?? [];
      const border = padding === "0" ? 0 : parsePixels(padding);
      return height && width && border !== undefined && rest.length === 0
        ? { name: "random-crop", height, width, padding: border }
        : undefined;
    },
    print: ({ height, width, padding }) => [printSize(height, width), padding],
    size: ({ height, width }) => [height, width],
    apply: (image, { height, width, padding }, random) => randomCrop(image, height, width, padding, random),
  },
  "random-resized-crop": {
    usage: "random-resized-crop(224,0.08,bicubic): a part of at least that share of the area, resized",
    random: true,
    parse([size, minScale = "0.08", filter = "bicubic", ...rest]) {
      const [height, width] = parseSize(size) ?? [];
      const known = parseFilter(filter);
      const scale = /^(0?\.\d{1,6}|1(\.0+)?)$/.test(minScale) ? Number(minScale) : 0;
      return height && width && known && scale > 0 && rest.length === 0
        ? { name: "random-resized-crop", height, width, minScale: scale, filter: known }
        : undefined;
    },
    print: ({ height, width, minScale, filter }) => [printSize(height, width), minScale, filter],
    size: ({ height, width }) => [height, width],
    apply: (image, { height, width, minScale, filter }, random) =>
      randomResizedCrop(image, height, width, minScale, filter, random),
  },
  flip: {
    usage: "flip",
    random: true,
    parse: (args) => (args.length === 0 ? { name: "flip" } : undefined),
    print: () => [],
    size: (_, before) => before,
    apply: (image, _, random) => (random.uniform() < 0.5 ? mirror(image) : image),
  },
};

// The table's entry for a step takes that very step; TypeScript cannot tell this from a lookup by a union.
const ruleOf = (step: Step): StepRule<Step> => rules[step.name] as StepRule<Step>;

const largestSide = 16384;

function parsePixels(text: string | undefined): number | undefined {
  if (text === undefined || !/^[1-9]\d{0,4}$/.test(text)) return undefined;
  return Number(text) <= largestSide ? Number(text) : undefined;
}

function parseSize(text: string | undefined): Size {
  const [first, second = first, ...rest] = text?.split("x") ?? [];
  const [height, width] = [parsePixels(first), parsePixels(second)];
  return height && width && rest.length === 0 ? [height, width] : undefined;
}

const printSize = (height: number, width: number): string | number =>
  height === width ? height : `${height}x${width}`;

const parseFilter = (text: string): FilterName | undefined => filterNames.find((name) => name === text);

/** The size with its shorter side at `size` and the longer one in proportion, cut to whole pixels (as torchvision). */
export const shortSize = (height: number, width: number, size: number): readonly [height: number, width: number] =>
  height <= width
    ? [size, Math.max(1, Math.floor((size * width) / height))]
    : [Math.max(1, Math.floor((size * height) / width)), size];

/** The image with left and right exchanged. */
function mirror({ width, height, data }: RgbImage): RgbImage {
  const mirrored = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * 3;
      const to = (y * width + width - 1 - x) * 3;
      mirrored[to] = data[from] as number;
      mirrored[to + 1] = data[from + 1] as number;
      mirrored[to + 2] = data[from + 2] as number;
    }
  }
  return { width, height, data: mirrored };
}

/**
 * The transform that a sentence such as `decode|resize(224,bicubic)|flip` describes.
 * @throws ConfigError naming the step that is not understood and the steps there are
 */
export function parseTransform(sentence: string): Transform {
  const steps = sentence.split("|").map((text) => parseStep(text.trim(), sentence));
  if (steps[0]?.name !== "decode" || steps.slice(1).some((step) => step.name === "decode")) {
    throw new ConfigError(`transform "${sentence}": expected "decode" as the first step, and only there.`);
  }
  return steps;
}

function parseStep(text: string, sentence: string): Step {
  const [, name = text, args] = /^([a-z-]+)(?:\(([^()]*)\))?$/.exec(text) ?? [];
  const rule = Object.hasOwn(rules, name) ? rules[name as Step["name"]] : undefined;
  const step = rule?.parse(args === undefined ? [] : args.split(",").map((arg) => arg.trim()));
  if (step) return step;
  const known = Object.values(rules).map(({ usage }) => usage);
  const expected = rule ? `expected ${rule.usage}; filters: ${filterNames.join(", ")}` : `known: ${known.join("; ")}`;
  throw new ConfigError(`transform "${sentence}": cannot read the step "${text}"; ${expected}.`);
}

/** The sentence of a transform, in its one canonical form: `parseTransform(printTransform(t))` equals `t`. */
export const printTransform = (transform: Transform): string =>
  transform
    .map((step) => {
      const args = ruleOf(step).print(step);
      return args.length > 0 ? `${step.name}(${args.join(",")})` : step.name;
    })
    .join("|");

/** The size of every image after the transform, or `undefined` where it depends on the image. */
export const outputSize = (transform: Transform): Size =>
  transform.reduce<Size>((size, step) => ruleOf(step).size(step, size), undefined);

/** The image after the steps, whose `decode` has been done already. */
export const applyTransform = (transform: Transform, image: RgbImage, random: Stream): RgbImage =>
  transform.reduce((current, step) => ruleOf(step).apply(current, step, random), image);

/** A transform cut before its first random step: `fixed` gives the same result every time and may be cached. */
export function splitAtRandom(transform: Transform): { readonly fixed: Transform; readonly random: Transform } {
  const at = transform.findIndex((step) => ruleOf(step).random);
  return at < 0 ? { fixed: transform, random: [] } : { fixed: transform.slice(0, at), random: transform.slice(at) };
}

/** The default transform: every image resized to one square, whatever its proportions; no augmentation. */
export const directResize = (size: number, filter: FilterName = "bicubic"): Transform => [
  { name: "decode" },
  { name: "resize", height: size, width: size, filter },
];

/**
 * The transform of a backbone's data contract: the shorter side to `⌊size / cropFraction⌋`, then the middle square.
 * @param cropFraction timm's `crop_pct`, in (0, 1]
 */
export const contractCrop = (size: number, cropFraction: number, filter: FilterName = "bicubic"): Transform => [
  { name: "decode" },
  { name: "resize-short", size: Math.floor(size / cropFraction), filter },
  { name: "center-crop", height: size, width: size },
];
