import type { ImageHeader } from "./image-header.js";

const tagAt = (view: DataView, at: number): string =>
  String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(at + i)));

/** Boxes that hold boxes, and the bytes before the first of them. */
const containers: Readonly<Record<string, number>> = { meta: 4, iprp: 0, ipco: 0 };

const mostBrands = 64;

/**
 * What the boxes at the beginning of an AVIF say; `undefined` where they are damaged. The size is the largest of the
 * pictures in the file; those of a grid have their own.
 * @throws RangeError where they are cut off
 * @see ISO/IEC 14496-12, section 4.2 (boxes), and 23008-12, section 6.5.3 (ispe); AV1 Image File Format
 */
export function readAvifHeader(view: DataView): ImageHeader | undefined {
  const brands: string[] = [];
  const sizes: (readonly [number, number])[] = [];
  let alpha = false;
  let complete = true;
  const visit = (from: number, to: number): void => {
    for (let at = from; at + 8 <= to; ) {
      const kind = tagAt(view, at + 4);
      const short = view.getUint32(at);
      const length = short === 1 ? Number(view.getBigUint64(at + 8)) : short === 0 ? to - at : short;
      if (length < 8) return;
      if (at + length > view.byteLength) complete = false;
      const end = Math.min(to, at + length);
      if (kind === "ftyp")
        for (let b = at + 8; b + 4 <= Math.min(end, at + mostBrands * 4); b += 4) brands.push(tagAt(view, b));
      if (kind === "ispe" && end - at >= 20) sizes.push([view.getUint32(at + 12), view.getUint32(at + 16)]);
      if (kind === "auxC" && end - at > 12) alpha ||= textAt(view, at + 12, end).includes("alpha");
      const inner = Object.hasOwn(containers, kind) ? containers[kind] : undefined;
      if (inner !== undefined) visit(at + 8 + inner, end);
      at += length;
    }
  };
  visit(0, view.byteLength);
  if (!brands.some((brand) => /^(avif|avis|mif1|heic|heix|hevc|msf1)$/.test(brand))) return undefined;
  const isAvif = brands.some((brand) => brand === "avif" || brand === "avis");
  const [width, height] = sizes.reduce((a, b) => (a[0] * a[1] >= b[0] * b[1] ? a : b), [0, 0] as const);
  if (isAvif && sizes.length === 0) return undefined;
  const unfit = "this is a HEIC image, whose compression (HEVC) is not read";
  return { format: "avif", width, height, alpha, complete, ...(!isAvif && { unfit }) };
}

const textAt = (view: DataView, from: number, to: number): string =>
  new TextDecoder("latin1").decode(new Uint8Array(view.buffer, view.byteOffset + from, to - from));
