import { existsSync, readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import sharp, { type Sharp } from "sharp";
import { describe, expect, it } from "vitest";
import { imageHeader } from "../../src/data/image-header.js";
import { stream } from "../../src/data/random.js";
import { applyTransform, parseTransform } from "../../src/data/transform.js";
import { FormatError } from "../../src/errors.js";
import { decodeImage } from "../../src/platform/images.js";

const asIs = parseTransform("decode");

/** Pixels that a formula draws: smooth, with some texture. */
function paint(width: number, height: number, channels: 1 | 2 | 3 | 4): Sharp {
  const data = new Uint8Array(width * height * channels);
  for (let i = 0; i < data.length; i++) {
    const [c, x, y] = [i % channels, Math.floor(i / channels) % width, Math.floor(i / (channels * width))];
    data[i] = 128 + 90 * Math.sin(x / (7 + c)) * Math.cos(y / 9) + ((x * 31 + y * 17) % 23);
  }
  return sharp(data, { raw: { width, height, channels } });
}

const pixel = ({ data, width }: { data: Uint8Array; width: number }, x: number, y: number): number[] =>
  Array.from(data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3));

/** Mean absolute difference, in steps of 1/255. */
const difference = (a: Uint8Array, b: Uint8Array): number =>
  a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] ?? 0)), 0) / a.length;

describe("decodeImage", () => {
  it("gives the stored pixels of a PNG and of a lossless WebP", async () => {
    const raw = await paint(13, 9, 3).raw().toBuffer();
    for (const bytes of [
      await paint(13, 9, 3).png().toBuffer(),
      await paint(13, 9, 3).webp({ lossless: true }).toBuffer(),
    ]) {
      const image = await decodeImage(bytes, "a", asIs);
      expect([image.width, image.height]).toEqual([13, 9]);
      expect(Buffer.from(image.data)).toEqual(raw);
    }
  });

  it("comes close to the pixels of a JPEG and of a lossy WebP", async () => {
    const raw = await paint(40, 30, 3).raw().toBuffer();
    const jpeg = await paint(40, 30, 3).jpeg({ quality: 95, chromaSubsampling: "4:4:4" }).toBuffer();
    const webp = await paint(40, 30, 3).webp({ quality: 95 }).toBuffer();
    expect(difference((await decodeImage(jpeg, "a", asIs)).data, raw)).toBeLessThan(4);
    expect(difference((await decodeImage(webp, "a", asIs)).data, raw)).toBeLessThan(12);
  });

  it("makes three equal channels of grey, in every format", async () => {
    const grey = () => paint(8, 8, 3).greyscale().toColourspace("b-w");
    for (const bytes of [await grey().jpeg().toBuffer(), await grey().png().toBuffer()]) {
      for (const transform of ["decode", "decode|resize(5)"]) {
        const { data, width, height } = await decodeImage(bytes, "a", parseTransform(transform));
        expect(data.length).toBe(width * height * 3);
        for (let i = 0; i < data.length; i += 3) expect([data[i + 1], data[i + 2]]).toEqual([data[i], data[i]]);
      }
    }
  });

  it("drops alpha before anything else, as Pillow's convert does", async () => {
    const data = new Uint8Array(16 * 16 * 4).map((_, i) => [200, 100, 50, Math.floor(i / 4) % 2 ? 255 : 0][i % 4] ?? 0);
    const png = await sharp(data, { raw: { width: 16, height: 16, channels: 4 } })
      .png()
      .toBuffer();
    expect(imageHeader(png, "a").alpha).toBe(true);
    for (const transform of ["decode", "decode|resize(6)", "decode|resize-short(6)|center-crop(4)"]) {
      const image = await decodeImage(png, "a", parseTransform(transform));
      expect(pixel(image, 1, 1)).toEqual([200, 100, 50]);
      expect(pixel(image, 2, 2)).toEqual([200, 100, 50]);
    }
    const greyAlpha = await sharp(
      new Uint8Array(2 * 64).map((_, i) => (i % 2 ? 9 : 77)),
      {
        raw: { width: 8, height: 8, channels: 2 },
      },
    )
      .png()
      .toBuffer();
    expect(pixel(await decodeImage(greyAlpha, "a", asIs), 3, 3)).toEqual([77, 77, 77]);
  });

  it("takes the upper byte of 16 bits", async () => {
    const wide = new Uint16Array(4 * 4 * 3).map((_, i) => [0x1234, 0xabcd, 0xffff][i % 3] ?? 0);
    const png = await sharp(wide, { raw: { width: 4, height: 4, channels: 3 } })
      .toColourspace("rgb16")
      .png()
      .toBuffer();
    expect(png[24]).toBe(16);
    expect(pixel(await decodeImage(png, "a", asIs), 2, 2)).toEqual([0x12, 0xab, 0xff]);
    const grey = await sharp(new Uint16Array(16).fill(0x8001), { raw: { width: 4, height: 4, channels: 1 } })
      .toColourspace("grey16")
      .png()
      .toBuffer();
    expect(grey[24]).toBe(16);
    expect(pixel(await decodeImage(grey, "a", asIs), 2, 2)).toEqual([0x80, 0x80, 0x80]);
  });

  it("reads palettes and CMYK", async () => {
    const palette = await paint(16, 16, 3).png({ palette: true, colours: 16 }).toBuffer();
    expect((await decodeImage(palette, "a", asIs)).data.length).toBe(16 * 16 * 3);
    const cmyk = await sharp({ create: { width: 8, height: 8, channels: 3, background: "#ff0000" } })
      .toColourspace("cmyk")
      .jpeg()
      .toBuffer();
    expect((await sharp(cmyk).metadata()).space).toBe("cmyk");
    const [red = 0, green = 0, blue = 0] = pixel(await decodeImage(cmyk, "a", asIs), 4, 4);
    expect(red).toBeGreaterThan(200);
    expect(Math.max(green, blue)).toBeLessThan(80);
  });

  it("turns an image upright as EXIF says, before it is resized", async () => {
    const left = {
      input: { create: { width: 8, height: 16, channels: 3, background: "#f00" } },
      left: 0,
      top: 0,
    } as const;
    const upright = sharp({ create: { width: 32, height: 16, channels: 3, background: "#00f" } }).composite([left]);
    const turned = await upright.png().withMetadata({ orientation: 6 }).toBuffer();
    const image = await decodeImage(turned, "a", asIs);
    expect([image.width, image.height]).toEqual([16, 32]);
    expect([pixel(image, 8, 2), pixel(image, 8, 30)]).toEqual([
      [255, 0, 0],
      [0, 0, 255],
    ]);
    const small = await decodeImage(turned, "a", parseTransform("decode|resize-short(8)"));
    expect([small.width, small.height]).toEqual([8, 16]);
    const wide = await decodeImage(turned, "a", parseTransform("decode|resize(8x20)"));
    expect([wide.height, wide.width, pixel(wide, 10, 0)]).toEqual([8, 20, [255, 0, 0]]);
  });

  it.each([
    ["decode|resize(64)", 150, 130, 0.5],
    ["decode|resize(96,bilinear)", 400, 300, 0.5],
    ["decode|resize(224)", 1000, 700, 0.5],
    ["decode|resize-short(124)|center-crop(112)", 500, 333, 0.5],
    // Enlarging is the portable resize itself.
    ["decode|resize(224)", 64, 64, 1e-9],
    ["decode|resize(100)", 64, 200, 1e-9],
  ])("%s is as good as the portable resize for %d x %d", async (sentence, width, height, bound) => {
    const transform = parseTransform(sentence);
    const png = await paint(width, height, 3).png().toBuffer();
    const native = await decodeImage(png, "a", transform);
    const portable = applyTransform(transform, await decodeImage(png, "a", asIs), stream(0));
    expect([native.width, native.height]).toEqual([portable.width, portable.height]);
    expect(difference(native.data, portable.data)).toBeLessThan(bound);
  });

  it("shrinks a large JPEG within 0.7/255, although libvips begins while it decodes", async () => {
    const transform = parseTransform("decode|resize(224)");
    const jpeg = await paint(1700, 1500, 3).jpeg().toBuffer();
    const portable = applyTransform(transform, await decodeImage(jpeg, "a", asIs), stream(0));
    expect(difference((await decodeImage(jpeg, "a", transform)).data, portable.data)).toBeLessThan(0.7);
  });
});

describe("the further formats", () => {
  const raw = paint(24, 18, 3).raw().toBuffer();

  it("give their pixels: TIFF and GIF exactly, but for what a palette costs, AVIF closely", async () => {
    for (const compression of ["none", "lzw", "deflate", "packbits"] as const) {
      const tiff = await paint(24, 18, 3).tiff({ compression }).toBuffer();
      expect(Buffer.from((await decodeImage(tiff, "a", asIs)).data)).toEqual(await raw);
    }
    const tiles = await paint(40, 30, 3)
      .tiff({ compression: "none", tile: true, tileWidth: 16, tileHeight: 16 })
      .toBuffer();
    expect(imageHeader(tiles, "a")).toMatchObject({ width: 40, height: 30, complete: true });
    const avif = await decodeImage(await paint(24, 18, 3).avif({ quality: 90 }).toBuffer(), "a", asIs);
    expect(difference(avif.data, await raw)).toBeLessThan(5);
    const gif = await decodeImage(await paint(24, 18, 3).gif().toBuffer(), "a", asIs);
    expect(difference(gif.data, await raw)).toBeLessThan(8);
  });

  it("give the first of several pictures", async () => {
    const frames = [0, 120, 240].map((r) =>
      sharp({ create: { width: 6, height: 5, channels: 3, background: { r, g: 9, b: 9 } } })
        .png()
        .toBuffer(),
    );
    const pages = await sharp(await Promise.all(frames), { join: { animated: true } })
      .gif()
      .toBuffer();
    for (const bytes of [pages, await sharp(pages, { animated: true }).tiff({ compression: "none" }).toBuffer()]) {
      const image = await decodeImage(bytes, "a", asIs);
      expect([image.width, image.height]).toEqual([6, 5]);
      expect(pixel(image, 2, 2)[0]).toBeLessThan(3);
    }
  });

  it("take the upper byte of the 16 bits of a TIFF, and refuse numbers without a known range", async () => {
    const wide = new Uint16Array(4 * 4 * 3).map((_, i) => [0x1234, 0xabcd, 0xffff][i % 3] ?? 0);
    const rgb16 = sharp(wide, { raw: { width: 4, height: 4, channels: 3 } }).toColourspace("rgb16");
    const tiff = await rgb16.tiff({ compression: "none" }).toBuffer();
    expect(pixel(await decodeImage(tiff, "a", asIs), 2, 2)).toEqual([0x12, 0xab, 0xff]);
    const grey = sharp(new Uint16Array(16).fill(0x8001), { raw: { width: 4, height: 4, channels: 1 } }).toColourspace(
      "grey16",
    );
    const grey16 = await grey.tiff({ compression: "none" }).toBuffer();
    expect(pixel(await decodeImage(grey16, "a", asIs), 2, 2)).toEqual([0x80, 0x80, 0x80]);
    // A float TIFF is a 16-bit one whose directory says otherwise: 32 bits in tag 258, floating point in tag 339.
    const float = withTag(withTag(grey16, 258, 32), 339, 3);
    await expect(decodeImage(float, "depth.tif", asIs)).rejects.toThrow(
      /depth.tif: this TIFF holds floating-point numbers of 32/,
    );
  });

  it("say that HEIC is not read", async () => {
    const avif = Buffer.from(await paint(16, 16, 3).avif().toBuffer());
    for (let at = 8; at < avif.readUInt32BE(0); at += 4)
      if (avif.toString("latin1", at, at + 4) === "avif") avif.write("heic", at);
    await expect(decodeImage(avif, "x.heic", asIs)).rejects.toThrow(
      /x.heic: this is a HEIC image, .* Convert the file/,
    );
  });

  it("say whether there is alpha, which is dropped", async () => {
    const data = new Uint8Array(16 * 16 * 4).map((_, i) => [200, 100, 50, i < 512 ? 255 : 0][i % 4] ?? 0);
    const image = () => sharp(data, { raw: { width: 16, height: 16, channels: 4 } });
    for (const bytes of [
      await image().tiff({ compression: "none" }).toBuffer(),
      await image().avif({ lossless: true }).toBuffer(),
    ]) {
      expect(imageHeader(bytes, "a").alpha).toBe(true);
      expect(pixel(await decodeImage(bytes, "a", parseTransform("decode|resize(6)")), 1, 1)[0]).toBeGreaterThan(190);
    }
    expect(imageHeader(await image().gif().toBuffer(), "a").alpha).toBe(true);
  });

  it("turn a TIFF upright", async () => {
    const turned = await paint(32, 16, 3).tiff({ compression: "none" }).withMetadata({ orientation: 6 }).toBuffer();
    const image = await decodeImage(turned, "a", asIs);
    expect([image.width, image.height]).toEqual([16, 32]);
  });
});

/** The TIFF with another value of a tag with one short number in its directory; little-endian. */
function withTag(bytes: Buffer, tag: number, value: number): Buffer {
  const directory = bytes.readUInt32LE(4);
  for (let at = directory + 2; at < directory + 2 + 12 * bytes.readUInt16LE(directory); at += 12) {
    if (bytes.readUInt16LE(at) === tag) bytes.writeUInt16LE(value, at + 8);
  }
  return bytes;
}

describe("a bad image", () => {
  const formats = ["jpeg", "png", "webp", "gif", "tiff", "avif"] as const;

  it.each(formats)("that is cut off is refused by name: %s", async (format) => {
    const bytes = await paint(80, 80, 3).toFormat(format).toBuffer();
    expect(imageHeader(bytes, "cat")).toMatchObject({ format, width: 80, height: 80, complete: true });
    const cut = bytes.subarray(0, Math.floor(bytes.length / 2));
    // The header of a TIFF lies behind its pixels.
    if (format === "tiff")
      expect(() => imageHeader(cut, "cat")).toThrow(/^cat: the header of this TIFF image is damaged/);
    else expect(imageHeader(cut, "cat").complete).toBe(false);
    await expect(decodeImage(cut, "cat", asIs)).rejects.toThrow(FormatError);
    await expect(decodeImage(cut, "cat", asIs)).rejects.toThrow(/^cat: .*Replace or remove/);
  });

  it.each(formats)("never makes the header reader do anything but give up: %s", async (format) => {
    const bytes = await paint(30, 20, 3).toFormat(format).toBuffer();
    fc.assert(
      fc.property(fc.nat(bytes.length), fc.array(fc.tuple(fc.nat(60), fc.nat(255))), (length, changes) => {
        const damaged = Uint8Array.from(bytes.subarray(0, length));
        for (const [at, value] of changes) if (at < damaged.length) damaged[at] = value;
        try {
          expect(imageHeader(damaged, "x").width).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
    );
  });

  it.each([
    ["empty", new Uint8Array(0), /the file is empty/],
    ["text", new TextEncoder().encode("hello, this is no image"), /not those of a JPEG/],
    [
      "pointer",
      new TextEncoder().encode("version https://git-lfs.github.com/spec/v1\n"),
      /Git LFS pointer.*Run git lfs pull/,
    ],
    ["svg", new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg"/>'), /not those of a JPEG/],
  ])("is named: %s", async (name, bytes, message) => {
    await expect(decodeImage(bytes, name, asIs)).rejects.toThrow(FormatError);
    await expect(decodeImage(bytes, name, asIs)).rejects.toThrow(message);
  });

  it("is a PNG that claims 60000 x 60000 pixels: refused from its header", async () => {
    const bomb = Uint8Array.from(await paint(4, 4, 3).png().toBuffer());
    new DataView(bomb.buffer).setUint32(16, 60_000);
    new DataView(bomb.buffer).setUint32(20, 60_000);
    await expect(decodeImage(bomb, "bomb.png", asIs)).rejects.toThrow(/^bomb.png: the header claims 60000 x 60000/);
  });
});

const shared = new URL("../../../shared/data/", import.meta.url);
describe.skipIf(!existsSync(shared))("on photographs (skipped where ../shared is absent)", () => {
  it("the native resize stays within 0.5/255 of the portable one on average", async () => {
    const folder = new URL("other/dtd10/test/banded/", shared);
    const transform = parseTransform("decode|resize(112)");
    const differences = await Promise.all(
      readdirSync(folder)
        .slice(0, 8)
        .map(async (name) => {
          const bytes = readFileSync(new URL(name, folder));
          const portable = applyTransform(transform, await decodeImage(bytes, name, asIs), stream(0));
          return difference((await decodeImage(bytes, name, transform)).data, portable.data);
        }),
    );
    expect(differences.reduce((sum, value) => sum + value, 0) / differences.length).toBeLessThan(0.5);
  });
});
