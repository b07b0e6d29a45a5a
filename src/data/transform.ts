import { ConfigError } from "../errors.js";
import type { RgbImage } from "./image.js";
import type { Stream } from "./random.js";
import { type FilterName, filterNames } from "./resize.js";
import { type ColorJitterStep, colorJitterRules } from "./steps/color-jitter.js";
import { type FlipStep, flipRules } from "./steps/flips.js";
import { type RandAugmentStep, randAugmentRules } from "./steps/rand-augment.js";
import { type RandomErasingStep, randomErasingRules } from "./steps/random-erasing.js";
import type { Rules, Size, StepRule } from "./steps/rule.js";
import { type SizeStep, sizeRules } from "./steps/sizes.js";

export type { Size } from "./steps/rule.js";
export { shortSize } from "./steps/sizes.js";

type DecodeStep = { readonly name: "decode" };

/**
 * One step of a transform: its name and its arguments, complete with their defaults. A new kind of step is one type and
 * one rule in `steps/`, and stands in this union and in the table below.
 */
export type Step = DecodeStep | SizeStep | FlipStep | ColorJitterStep | RandAugmentStep | RandomErasingStep;

/** What happens to an image between its file and the batch, step by step; the first step is `decode`. */
export type Transform = readonly Step[];

const decodeRules: Rules<DecodeStep> = {
  decode: {
    usage: "decode",
    random: false,
    parse: (args) => (args.length === 0 ? { name: "decode" } : undefined),
    print: () => [],
    size: () => undefined,
    apply: (image) => image,
  },
};

const rules: Rules<Step> = {
  ...decodeRules,
  ...sizeRules,
  ...flipRules,
  ...colorJitterRules,
  ...randAugmentRules,
  ...randomErasingRules,
};

// The table's entry for a step takes that very step; TypeScript cannot tell this from a lookup by a union.
const ruleOf = (step: Step): StepRule<Step> => rules[step.name] as StepRule<Step>;

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
