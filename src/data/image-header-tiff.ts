import type { ImageHeader } from "./image-header.js";

const tags = {
  width: 256,
  height: 257,
  bits: 258,
  offsets: 273,
  lengths: 279,
  tileOffsets: 324,
  tileLengths: 325,
  extraSamples: 338,
  sampleFormat: 339,
} as const;
const known: ReadonlySet<number> = new Set(Object.values(tags));

/** Bytes of a value of a type; 16 to 18 are those of BigTIFF. */
function widthOf(type: number): 1 | 2 | 4 | 8 {
  if ([3, 8].includes(type)) return 2;
  if ([4, 9, 11, 13].includes(type)) return 4;
  return [5, 10, 12, 16, 17, 18].includes(type) ? 8 : 1;
}

const mostFields = 4096;

/**
 * What the directory of a TIFF's first picture says; `undefined` where it is damaged.
 * @throws RangeError where it is cut off
 * @see Adobe, TIFF revision 6.0, sections 2 and 8; the BigTIFF design
 */
export function readTiffHeader(view: DataView): ImageHeader | undefined {
  const isLittle = view.getUint8(0) === 0x49;
  const isBig = view.getUint8(isLittle ? 2 : 3) === 43;
  const long = (at: number): number => (isBig ? Number(view.getBigUint64(at, isLittle)) : view.getUint32(at, isLittle));
  const start = long(isBig ? 8 : 4);
  const count = isBig ? Number(view.getBigUint64(start, isLittle)) : view.getUint16(start, isLittle);
  if (count > mostFields) return undefined;
  const fields = new Map<number, readonly number[]>();
  const [head, length] = isBig ? [8, 20] : [2, 12];
  for (let i = 0; i < count; i++) {
    const at = start + head + length * i;
    const tag = view.getUint16(at, isLittle);
    // Only what is asked for, and once: a small file may point a thousand times at one long list.
    if (!known.has(tag) || fields.has(tag)) continue;
    const width = widthOf(view.getUint16(at + 2, isLittle));
    const values = long(at + 4);
    const inline = length - (isBig ? 12 : 8);
    const place = values * width > inline ? long(at + length - inline) : at + length - inline;
    if (place + values * width > view.byteLength) continue;
    const read = (k: number): number => {
      const here = place + k * width;
      if (width === 8) return Number(view.getBigUint64(here, isLittle));
      if (width === 4) return view.getUint32(here, isLittle);
      return width === 2 ? view.getUint16(here, isLittle) : view.getUint8(here);
    };
    fields.set(
      tag,
      Array.from({ length: Math.min(values, 2 ** 20) }, (_, k) => read(k)),
    );
  }
  const [width, height] = [fields.get(tags.width)?.[0], fields.get(tags.height)?.[0]];
  if (width === undefined || height === undefined) return undefined;
  const offsets = fields.get(tags.offsets) ?? fields.get(tags.tileOffsets) ?? [];
  const lengths = fields.get(tags.lengths) ?? fields.get(tags.tileLengths) ?? [];
  const isThere = (offset: number, i: number): boolean => offset + (lengths[i] ?? 0) <= view.byteLength;
  const unfit = unfitness(fields.get(tags.bits)?.[0] ?? 1, fields.get(tags.sampleFormat)?.[0] ?? 1);
  return {
    format: "tiff",
    width,
    height,
    alpha: (fields.get(tags.extraSamples)?.length ?? 0) > 0,
    complete: offsets.length > 0 && offsets.every(isThere),
    ...(unfit && { unfit }),
  };
}

/** Numbers of which nobody knows which of them is white. */
function unfitness(bits: number, format: number): string | undefined {
  if (format === 1 && bits <= 16) return undefined;
  const kind = format === 3 ? "floating-point numbers" : format === 1 ? "numbers" : "signed numbers";
  return `this TIFF holds ${kind} of ${bits} bits, whose range is not known; expected colours of up to 16 bits`;
}
