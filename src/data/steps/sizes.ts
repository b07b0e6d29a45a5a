import { centerCrop, randomCrop, randomResizedCrop } from "../crop.js";
import { type FilterName, resize } from "../resize.js";
import { parseDecimal, parseFilter, parsePixels, parseSize, printSize, type Rules } from "./rule.js";

/** Steps that bring an image to another size. */
export type SizeStep =
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
    };

/** The rules of the steps that change the size. */
export const sizeRules: Rules<SizeStep> = {
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
      const scale = parseDecimal(minScale, 1e-6, 1);
      return height && width && known && scale && rest.length === 0
        ? { name: "random-resized-crop", height, width, minScale: scale, filter: known }
        : undefined;
    },
    print: ({ height, width, minScale, filter }) => [printSize(height, width), minScale, filter],
    size: ({ height, width }) => [height, width],
    apply: (image, { height, width, minScale, filter }, random) =>
      randomResizedCrop(image, height, width, minScale, filter, random),
  },
};

/** The size with its shorter side at `size` and the longer one in proportion, cut to whole pixels (as torchvision). */
export const shortSize = (height: number, width: number, size: number): readonly [height: number, width: number] =>
  height <= width
    ? [size, Math.max(1, Math.floor((size * width) / height))]
    : [Math.max(1, Math.floor((size * height) / width)), size];
