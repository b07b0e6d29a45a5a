import { FormatError } from "../errors.js";
import { readAvifHeader } from "./image-header-avif.js";
import { readGifHeader } from "./image-header-gif.js";
import { readTiffHeader } from "./image-header-tiff.js";
import { explainImpostor } from "./impostor.js";

/** The formats that are read; of moving or several pictures in one file the first. */
export type ImageFormat = "jpeg" | "png" | "webp" | "gif" | "tiff" | "avif";

/** The endings of image files. */
export const imageKinds: readonly string[] = ["jpg", "jpeg", "png", "webp", "gif", "tif", "tiff", "avif"];

/** Endings of images that cannot be read. They count as images, so that none is passed over in silence. */
const foreignKinds: readonly string[] = ["bmp", "heic", "heif", "jp2", "jxl", "pbm", "pgm", "ppm", "tga"];

/** True for a file name with the ending of an image, whether or not its format can be read. */
export const isImageName = (name: string): boolean => {
  const ending = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  return imageKinds.includes(ending) || foreignKinds.includes(ending);
};

/** What the first bytes of an image file say, before a pixel is decoded. */
export interface ImageHeader {
  readonly format: ImageFormat;
  /** Pixels, before any EXIF rotation. */
  readonly width: number;
  readonly height: number;
  readonly alpha: boolean;
  /** False where the end of the file is missing or out of place; the decoder has the last word. */
  readonly complete: boolean;
  /** Why a sound image of this kind is not read all the same. */
  readonly unfit?: string;
}

/** More pixels than this are refused: decoded they would take 300 MB. */
export const largestPixelCount = 100_000_000;

const signatures = [
  ["jpeg", [0xff, 0xd8, 0xff]],
  ["png", [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
] as const;

/**
 * Format and size of an image file, from its header alone.
 * @param name the file's name, for messages
 * @throws FormatError where the bytes are none of the formats, claim more than 100 megapixels, or hold numbers that are no colours
 * @see ITU T.81 annex B, the PNG specification section 5, RFC 9649; the other formats have files of their own
 */
export function imageHeader(bytes: Uint8Array, name: string): ImageHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const format = imageFormat(bytes);
  let header: ImageHeader | undefined;
  try {
    header = readers[format ?? "other"]?.(view);
  } catch (error) {
    // A field beyond the end: the header itself is cut off.
    if (!(error instanceof RangeError)) throw error;
  }
  if (!header) {
    const impostor = format === undefined ? explainImpostor(bytes) : undefined;
    const other =
      bytes.length === 0
        ? "the file is empty"
        : `the bytes are not those of a JPEG, PNG, WebP, GIF, TIFF or AVIF image${impostor ? `, but ${impostor.what}` : ""}`;
    const what =
      format === undefined ? other : `the header of this ${format.toUpperCase()} image is damaged or cut off`;
    const cure = format === undefined && bytes.length > 0 ? "Convert, replace" : "Replace";
    throw new FormatError(`${name}: ${what}. ${impostor?.remedy ?? `${cure} or remove the file.`}`);
  }
  const { width, height, unfit } = header;
  if (unfit) throw new FormatError(`${name}: ${unfit}. Convert the file to PNG or JPEG, or remove it.`);
  if (width * height > largestPixelCount || width === 0 || height === 0) {
    throw new FormatError(
      `${name}: the header claims ${width} x ${height} pixels; expected 1 to ${largestPixelCount}. ` +
        "Make the image smaller, or remove the file.",
    );
  }
  return header;
}

/** The format that the first bytes of a file announce; `undefined` where they are not those of an image. */
export function imageFormat(bytes: Uint8Array): ImageFormat | undefined {
  for (const [format, signature] of signatures) {
    if (signature.every((byte, i) => bytes[i] === byte)) return format;
  }
  if (bytes.length < 12) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [first, second, third] = [0, 4, 8].map((at) => tagAt(view, at));
  if (first === "RIFF" && third === "WEBP") return "webp";
  if (first === "GIF8") return "gif";
  // Byte order, then 42, or 43 for the form for files above 4 GiB.
  if (/^(II[*+]\0|MM\0[*+])$/.test(first ?? "")) return "tiff";
  return second === "ftyp" ? "avif" : undefined;
}

const tagAt = (view: DataView, at: number): string =>
  String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(at + i)));

const readers: Readonly<Record<string, (view: DataView) => ImageHeader | undefined>> = {
  gif: readGifHeader,
  tiff: readTiffHeader,
  avif: readAvifHeader,
  jpeg(view) {
    let size: readonly [number, number] | undefined;
    for (let at = 2; ; ) {
      if (view.getUint8(at) !== 0xff) return undefined;
      const marker = view.getUint8(at + 1);
      if (marker === 0xff) {
        at++;
        continue;
      }
      // C0 … CF are start-of-frame markers, but for the tables C4, C8 and CC.
      const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
      if (isFrame) size = [view.getUint16(at + 5), view.getUint16(at + 7)];
      const length = view.getUint16(at + 2);
      if (length < 2) return undefined;
      at += 2 + length;
      if (marker === 0xda) {
        return (
          size && { format: "jpeg", height: size[0], width: size[1], alpha: false, complete: hasJpegEnd(view, at) }
        );
      }
    }
  },
  png(view) {
    if (tagAt(view, 12) !== "IHDR") return undefined;
    const [width, height, color] = [view.getUint32(16), view.getUint32(20), view.getUint8(25)];
    let alpha = (color & 4) !== 0;
    let complete = false;
    for (let at = 8; at + 12 <= view.byteLength && !complete; at += 12 + view.getUint32(at)) {
      const tag = tagAt(view, at + 4);
      alpha ||= tag === "tRNS";
      complete = tag === "IEND";
    }
    return { format: "png", width, height, alpha, complete };
  },
  webp(view) {
    const tag = tagAt(view, 12);
    const complete = view.getUint32(4, true) + 8 <= view.byteLength;
    const base = { format: "webp", complete } as const;
    if (tag === "VP8X") {
      const [width, height] = [view.getUint32(24, true) & 0xffffff, view.getUint32(26, true) >>> 8];
      return { ...base, width: width + 1, height: height + 1, alpha: (view.getUint8(20) & 0x10) !== 0 };
    }
    if (tag === "VP8L") {
      const bits = view.getUint32(21, true);
      return {
        ...base,
        width: (bits & 0x3fff) + 1,
        height: ((bits >>> 14) & 0x3fff) + 1,
        alpha: (bits & (1 << 28)) !== 0,
      };
    }
    if (tag !== "VP8 ") return undefined;
    return {
      ...base,
      width: view.getUint16(26, true) & 0x3fff,
      height: view.getUint16(28, true) & 0x3fff,
      alpha: false,
    };
  },
};

/** True where the end-of-image marker FF D9 occurs after the start of the scan; searched from the back. */
function hasJpegEnd(view: DataView, scanStart: number): boolean {
  for (let at = view.byteLength - 2; at >= scanStart; at--) {
    if (view.getUint8(at) === 0xff && view.getUint8(at + 1) === 0xd9) return true;
  }
  return false;
}
