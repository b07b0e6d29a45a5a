import type { RgbImage } from "../image.js";
import type { Stream } from "../random.js";
import { type FilterName, filterNames } from "../resize.js";

/** Height and width in pixels; `undefined` where they depend on the image. */
export type Size = readonly [height: number, width: number] | undefined;

/** Everything there is to know about one kind of step. */
export interface StepRule<S> {
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

/** One rule for each name of a family of steps. */
export type Rules<S extends { readonly name: string }> = {
  readonly [N in S["name"]]: StepRule<Extract<S, { readonly name: N }>>;
};

const largestSide = 16384;

/** A side in pixels, or `undefined` where the text is no whole number from 1 to 16384. */
export function parsePixels(text: string | undefined): number | undefined {
  if (text === undefined || !/^[1-9]\d{0,4}$/.test(text)) return undefined;
  return Number(text) <= largestSide ? Number(text) : undefined;
}

/** A size written as `224` or `HEIGHTxWIDTH`. */
export function parseSize(text: string | undefined): Size {
  const [first, second = first, ...rest] = text?.split("x") ?? [];
  const [height, width] = [parsePixels(first), parsePixels(second)];
  return height && width && rest.length === 0 ? [height, width] : undefined;
}

/** The text of a size: `parseSize(String(printSize(h, w)))` equals `[h, w]`. */
export const printSize = (height: number, width: number): string | number =>
  height === width ? height : `${height}x${width}`;

/** The filter of this name. */
export const parseFilter = (text: string): FilterName | undefined => filterNames.find((name) => name === text);

/** A number with at most six decimals, or `undefined` where the text is none or it lies outside `[least, most]`. */
export function parseDecimal(text: string, least: number, most: number): number | undefined {
  if (!/^(\d{1,5}(\.\d{1,6})?|\.\d{1,6})$/.test(text)) return undefined;
  const value = Number(text);
  return value >= least && value <= most ? value : undefined;
}

/** Red, green, blue from 0 to 255. */
export type Color = readonly [red: number, green: number, blue: number];

/** A colour written as one grey value, `128`, or as `124/116/104`. */
export function parseColor(text: string): Color | undefined {
  const parts = text.split("/");
  if (!parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)) return undefined;
  const [red, green = red, blue = red] = parts.map(Number);
  return parts.length === 1 || parts.length === 3 ? [red as number, green as number, blue as number] : undefined;
}

/** The text of a colour: `parseColor(String(printColor(c)))` equals `c`. */
export const printColor = ([red, green, blue]: Color): string | number =>
  red === green && green === blue ? red : `${red}/${green}/${blue}`;
