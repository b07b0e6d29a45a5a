import type { ImageHeader } from "./image-header.js";

/**
 * What the beginning of a GIF says; `undefined` where it is damaged. The size is that of the canvas.
 * @throws RangeError where it is cut off
 * @see CompuServe, Graphics Interchange Format, version 89a, sections 18 to 27
 */
export function readGifHeader(view: DataView): ImageHeader | undefined {
  const paletteEnd = (at: number): number =>
    (view.getUint8(at) & 0x80) !== 0 ? 3 * 2 ** ((view.getUint8(at) & 7) + 1) : 0;
  const [width, height] = [view.getUint16(6, true), view.getUint16(8, true)];
  let alpha = false;
  for (let at = 13 + paletteEnd(10); ; ) {
    const block = view.getUint8(at);
    if (block === 0x2c) {
      // The last byte says that all pictures are there; behind it some writers leave more.
      const end = firstPictureEnd(view, at + 10 + paletteEnd(at + 9) + 1);
      return { format: "gif", width, height, alpha, complete: end !== undefined };
    }
    if (block !== 0x21) return undefined;
    if (view.getUint8(at + 1) === 0xf9) alpha = (view.getUint8(at + 3) & 1) !== 0;
    at = skipBlocks(view, at + 2);
  }
}

/** The place behind blocks, each with its length in front, up to an empty one. */
function skipBlocks(view: DataView, at: number): number {
  let next = at;
  while (view.getUint8(next) !== 0) next += 1 + view.getUint8(next);
  return next + 1;
}

function firstPictureEnd(view: DataView, at: number): number | undefined {
  try {
    return skipBlocks(view, at);
  } catch {
    return undefined;
  }
}
