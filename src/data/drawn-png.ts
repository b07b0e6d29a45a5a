import type { RgbImage } from "./image.js";

/** Bytes a stored block of deflate can hold. */
const blockLength = 65_535;

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Bytes of the PNG that `encodePng` makes of an image of this size. */
export function pngLength(width: number, height: number): number {
  const raw = (1 + 3 * width) * height;
  return signature.length + (12 + 13) + (12 + 2 + 5 * Math.ceil(raw / blockLength) + raw + 4) + 12;
}

/**
 * The image as a PNG whose pixels are stored, not compressed: quick, and the same bytes everywhere.
 * @see PNG specification (third edition), sections 5 and 11; RFC 1950 and RFC 1951, section 3.2.4
 */
export function encodePng({ width, height, data }: RgbImage): Uint8Array {
  const png = new Uint8Array(pngLength(width, height));
  const view = new DataView(png.buffer);
  png.set(signature);
  let at = signature.length;

  const chunk = (name: string, length: number, fill: (body: number) => void): void => {
    view.setUint32(at, length);
    for (let i = 0; i < 4; i++) png[at + 4 + i] = name.charCodeAt(i);
    fill(at + 8);
    view.setUint32(at + 8 + length, crc32(png.subarray(at + 4, at + 8 + length)));
    at += 12 + length;
  };

  chunk("IHDR", 13, (body) => {
    view.setUint32(body, width);
    view.setUint32(body + 4, height);
    png.set([8, 2, 0, 0, 0], body + 8);
  });
  // Every row begins with the number of its filter: 0, none.
  const rows = new Uint8Array((1 + 3 * width) * height);
  for (let y = 0; y < height; y++) {
    rows.set(data.subarray(3 * width * y, 3 * width * (y + 1)), (1 + 3 * width) * y + 1);
  }
  chunk("IDAT", png.length - at - 24, (body) => {
    png.set([0x78, 0x01], body);
    let to = body + 2;
    for (let from = 0; from < rows.length; from += blockLength) {
      const block = rows.subarray(from, from + blockLength);
      png[to] = from + blockLength >= rows.length ? 1 : 0;
      view.setUint16(to + 1, block.length, true);
      view.setUint16(to + 3, ~block.length & 0xffff, true);
      png.set(block, to + 5);
      to += 5 + block.length;
    }
    view.setUint32(to, adler32(rows));
  });
  chunk("IEND", 0, () => {});
  return png;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

function crc32(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (const byte of bytes) c = (crcTable[(c ^ byte) & 0xff] as number) ^ (c >>> 8);
  return ~c >>> 0;
}

function adler32(bytes: Uint8Array): number {
  let [a, b] = [1, 0];
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return b * 65536 + a;
}
