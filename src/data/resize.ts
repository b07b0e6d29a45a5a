import type { RgbImage } from "./image.js";

/** How far a filter reaches, in source pixels at scale 1, and its weight at a distance. */
interface Filter {
  readonly support: number;
  weight(distance: number): number;
}

const filters = {
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  // Keys' cubic with a = −½: (a+2)|x|³ − (a+3)x² + 1 inside 1, a|x|³ − 5ax² + 8a|x| − 4a between 1 and 2.
  bicubic: {
    support: 2,
    weight(distance) {
      const [a, x] = [-0.5, Math.abs(distance)];
      if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
    },
  },
} as const satisfies Record<string, Filter>;

/** Ways to weigh the pixels around a point. */
export type FilterName = keyof typeof filters;

/** The names of all filters, in the order they are shown. */
export const filterNames = Object.keys(filters) as readonly FilterName[];

/** For each output position the first source position, the number of taps, and their fixed-point weights. */
interface Taps {
  readonly stride: number;
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly weights: Int32Array;
}

// 32 bits less 8 of the pixel and 2 of head room for weights that overshoot: sums fit a signed 32-bit integer.
const precisionBits = 22;

function tapsOf(from: number, to: number, filter: Filter): Taps {
  const scale = from / to;
  // Downscaling widens the filter, so that every source pixel is seen: this is the antialiasing.
  const stretch = Math.max(scale, 1);
  const support = filter.support * stretch;
  const stride = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(to);
  const count = new Int32Array(to);
  const weights = new Int32Array(to * stride);
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(from, Math.trunc(centre + support + 0.5));
    const exact = Array.from({ length: end - start }, (_, k) =>
      filter.weight((k + start - centre + 0.5) * (1 / stretch)),
    );
    const sum = exact.reduce((total, weight) => total + weight, 0);
    first[i] = start;
    count[i] = end - start;
    for (let k = 0; k < exact.length; k++) {
      const scaled = (sum === 0 ? 0 : (exact[k] as number) * (1 / sum)) * 2 ** precisionBits;
      weights[i * stride + k] = Math.trunc(scaled + (scaled < 0 ? -0.5 : 0.5));
    }
  }
  return { stride, first, count, weights };
}

/** Weighs along one axis: `lines` lines at `lineStep`, positions `step` apart; the three channels are neighbours. */
function pass(
  source: Uint8Array,
  target: Uint8ClampedArray,
  { stride, first, count, weights }: Taps,
  lines: number,
  sourceSteps: readonly [line: number, position: number],
  targetSteps: readonly [line: number, position: number],
): void {
  const [sourceLine, sourceStep] = sourceSteps;
  const [targetLine, targetStep] = targetSteps;
  const half = 1 << (precisionBits - 1);
  for (let i = 0; i < first.length; i++) {
    const begin = i * stride;
    const end = begin + (count[i] as number);
    for (let line = 0; line < lines; line++) {
      let red = half;
      let green = half;
      let blue = half;
      let at = line * sourceLine + (first[i] as number) * sourceStep;
      for (let k = begin; k < end; k++) {
        const weight = weights[k] as number;
        red = (red + Math.imul(source[at] as number, weight)) | 0;
        green = (green + Math.imul(source[at + 1] as number, weight)) | 0;
        blue = (blue + Math.imul(source[at + 2] as number, weight)) | 0;
        at += sourceStep;
      }
      const to = line * targetLine + i * targetStep;
      target[to] = red >> precisionBits;
      target[to + 1] = green >> precisionBits;
      target[to + 2] = blue >> precisionBits;
    }
  }
}

/**
 * The image at another size, antialiased: `out[i] = Σₖ w((k − c) / max(scale, 1)) · in[k]`, first along rows, then along
 * columns, each rounded to 8 bits with weights of 22 fractional bits. Bit-equal to Pillow, and the same on every engine.
 * @see Pillow, `src/libImaging/Resample.c`, whose arithmetic this follows
 */
export function resize(image: RgbImage, height: number, width: number, filter: FilterName = "bicubic"): RgbImage {
  let { data } = image;
  if (width !== image.width) {
    const next = new Uint8ClampedArray(image.height * width * 3);
    const taps = tapsOf(image.width, width, filters[filter]);
    // Row by row, so that memory is read in its order.
    for (let y = 0; y < image.height; y++) {
      const row = data.subarray(y * image.width * 3, (y + 1) * image.width * 3);
      pass(row, next.subarray(y * width * 3, (y + 1) * width * 3), taps, 1, [0, 3], [0, 3]);
    }
    data = new Uint8Array(next.buffer);
  }
  if (height !== image.height) {
    const next = new Uint8ClampedArray(height * width * 3);
    pass(data, next, tapsOf(image.height, height, filters[filter]), width, [3, width * 3], [3, width * 3]);
    data = new Uint8Array(next.buffer);
  }
  return { width, height, data };
}
