import type { RgbImage } from "./image.js";
import type { Stream } from "./random.js";

/** Red, green and blue, 0 to 255. */
export type Color = readonly [red: number, green: number, blue: number];

/** A square picture in the making, `[size, size, 3]`. Places and lengths are fractions of its side, y downwards. */
export interface Canvas {
  readonly size: number;
  readonly pixels: Float64Array;
}

/** A figure: its middle, how far it reaches at most, and which offsets from the middle belong to it. */
export interface Figure {
  readonly x: number;
  readonly y: number;
  readonly reach: number;
  readonly has: (dx: number, dy: number) => boolean;
}

/** Samples along each side of a pixel. */
const fineness = 4;

/** A black canvas. @param size pixels along each side */
export const createCanvas = (size: number): Canvas => ({ size, pixels: new Float64Array(size * size * 3) });

/** The canvas as an image; values are rounded and cut to 0…255. */
export const toImage = ({ size, pixels }: Canvas): RgbImage => ({
  width: size,
  height: size,
  data: Uint8Array.from(new Uint8ClampedArray(pixels)),
});

/** Lays a figure over the canvas: `pixel ← pixel + coverage · opacity · (color − pixel)`, 16 samples per pixel. */
export function paint({ size, pixels }: Canvas, { x, y, reach, has }: Figure, color: Color, opacity = 1): void {
  const range = (middle: number): readonly [first: number, end: number] => [
    Math.max(0, Math.floor((middle - reach) * size)),
    Math.min(size, Math.floor((middle + reach) * size) + 1),
  ];
  const [[left, right], [top, bottom]] = [range(x), range(y)];
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      let hits = 0;
      for (let i = 0; i < fineness; i++) {
        const dy = (row + (i + 0.5) / fineness) / size - y;
        for (let j = 0; j < fineness; j++) {
          if (has((column + (j + 0.5) / fineness) / size - x, dy)) hits++;
        }
      }
      const weight = (opacity * hits) / (fineness * fineness);
      if (weight === 0) continue;
      const at = (row * size + column) * 3;
      for (let c = 0; c < 3; c++) {
        const old = pixels[at + c] as number;
        pixels[at + c] = old + weight * ((color[c] as number) - old);
      }
    }
  }
}

/** Colours every pixel by its place. @param valueAt the value of a channel, 0 red to 2 blue, at a place */
export function cover({ size, pixels }: Canvas, valueAt: (x: number, y: number, channel: number) => number): void {
  for (let i = 0; i < pixels.length; i++) {
    const pixel = Math.floor(i / 3);
    const row = Math.floor(pixel / size);
    pixels[i] = valueAt((pixel - row * size + 0.5) / size, (row + 0.5) / size, i - 3 * pixel);
  }
}

/** Adds the same uniform noise to the three channels of each pixel. @param strength largest change, of 255 */
export function addNoise({ pixels }: Canvas, random: Stream, strength: number): void {
  let word = 0;
  for (let i = 0; i < pixels.length / 3; i++) {
    // One word of the generator serves four pixels.
    word = i % 4 === 0 ? random.word() : word >>> 8;
    const change = (((word & 0xff) - 127.5) / 127.5) * strength;
    for (let c = 0; c < 3; c++) pixels[3 * i + c] = (pixels[3 * i + c] as number) + change;
  }
}

/**
 * Cosine and sine of an angle in turns, from −1 to 1: the Taylor series of a quarter of the angle, doubled twice.
 * `Math.cos` may differ between engines in the last bit; sums and products may not.
 */
export function direction(turns: number): readonly [cos: number, sin: number] {
  const a = (turns * Math.PI) / 2;
  const a2 = a * a;
  let [cos, sin, term] = [1, 0, 1];
  for (let n = 1; n < 24; n += 2) {
    term /= n;
    sin += term * a;
    term *= -a2 / (n + 1);
    cos += term;
  }
  for (let i = 0; i < 2; i++) [cos, sin] = [cos * cos - sin * sin, 2 * cos * sin];
  return [cos, sin];
}

/** The figure turned about its middle, clockwise on the picture. */
export function turned({ has, ...figure }: Figure, turns: number): Figure {
  const [cos, sin] = direction(turns);
  return { ...figure, has: (dx, dy) => has(cos * dx + sin * dy, cos * dy - sin * dx) };
}

/** An ellipse with the given half axes. */
export const ellipse = (x: number, y: number, a: number, b: number): Figure => ({
  x,
  y,
  reach: Math.max(a, b),
  has: (dx, dy) => (dx * dx) / (a * a) + (dy * dy) / (b * b) <= 1,
});

/** A rectangle with the given half sides. */
export const rectangle = (x: number, y: number, a: number, b: number): Figure => ({
  x,
  y,
  reach: Math.sqrt(a * a + b * b),
  has: (dx, dy) => dx >= -a && dx <= a && dy >= -b && dy <= b,
});

/** An equilateral triangle, point upwards, within the circle of the given radius. */
export const triangle = (x: number, y: number, radius: number): Figure => ({
  x,
  y,
  reach: radius,
  // Below: the base at half the radius; the sides fall with slope √3.
  has: (dx, dy) => dy <= radius / 2 && 1.7320508075688772 * (dx < 0 ? -dx : dx) <= dy + radius,
});
