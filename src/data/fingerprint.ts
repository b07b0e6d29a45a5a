import type { RgbImage } from "./image.js";

const side = 18;
const half = side / 2;

/** What an image looks like, in few numbers. */
export interface Fingerprint {
  /** 144 bits in words of 16: where the picture becomes brighter to the right, then where downwards. */
  readonly hash: Uint16Array;
  /** Brightness on a grid of 18 x 18. */
  readonly grid: Uint8Array;
  /** Mean of red, green and blue. */
  readonly color: readonly [red: number, green: number, blue: number];
  /** Standard deviation of the grid. */
  readonly contrast: number;
}

/**
 * The fingerprint of an image: its mean brightness on a grid, and on half as fine a grid the signs of the differences
 * between neighbours. Both change little where an image is stored anew, resized or made brighter, and much where it is
 * mirrored or cropped.
 * @see N. Krawetz, "Kind of Like That", 2013 (the difference hash; here in both directions, and finer)
 */
export function fingerprint(image: RgbImage): Fingerprint {
  const { means, color } = areaMeans(image);
  const grid = Uint8Array.from(means, Math.round);
  const coarse = (x: number, y: number): number =>
    [0, 1, side, side + 1].reduce((sum, step) => sum + (means[2 * y * side + 2 * x + step] as number), 0);
  const hash = new Uint16Array((2 * half * (half - 1)) / 16);
  let bit = 0;
  const set = (isUp: boolean): void => {
    if (isUp) hash[bit >> 4] = (hash[bit >> 4] as number) | (1 << (bit & 15));
    bit++;
  };
  for (let a = 0; a < half; a++) {
    for (let b = 0; b < half - 1; b++) {
      set(coarse(b + 1, a) > coarse(b, a));
      set(coarse(a, b + 1) > coarse(a, b));
    }
  }
  const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
  const contrast = Math.sqrt(means.reduce((sum, value) => sum + (value - mean) ** 2, 0) / means.length);
  return { hash, grid, color, contrast };
}

/** Parts of a line of pixels: which cell each lies in, and with how much of the cell's length. */
function partsOf(pixels: number): readonly (readonly [pixel: number, cell: number, share: number])[] {
  const parts: (readonly [number, number, number])[] = [];
  for (let pixel = 0; pixel < pixels; pixel++) {
    const [start, end] = [(pixel * side) / pixels, ((pixel + 1) * side) / pixels];
    for (let cell = Math.floor(start); cell < Math.min(side, end); cell++) {
      const share = Math.min(end, cell + 1) - Math.max(start, cell);
      if (share > 0) parts.push([pixel, cell, share]);
    }
  }
  return parts;
}

/** Mean brightness of what lies below each cell of the grid, pixels on an edge in part, and the mean colour. */
function areaMeans({ width, height, data }: RgbImage): { means: Float64Array; color: Fingerprint["color"] } {
  const means = new Float64Array(side * side);
  const color: [number, number, number] = [0, 0, 0];
  const [columns, lines] = [partsOf(width), partsOf(height)];
  const row = new Float64Array(side);
  let drawn = -1;
  for (const [y, line, high] of lines) {
    if (y !== drawn) {
      row.fill(0);
      for (const [x, column, wide] of columns) {
        const at = 3 * (y * width + x);
        const [red, green, blue] = [data[at] as number, data[at + 1] as number, data[at + 2] as number];
        // Rec. 601, as in JPEG.
        row[column] = (row[column] as number) + wide * (0.299 * red + 0.587 * green + 0.114 * blue);
        const share = wide / side / height;
        color[0] += share * red;
        color[1] += share * green;
        color[2] += share * blue;
      }
      drawn = y;
    }
    for (let column = 0; column < side; column++) {
      const cell = line * side + column;
      means[cell] = (means[cell] as number) + high * (row[column] as number);
    }
  }
  return { means, color };
}

const bitCounts = Uint8Array.from({ length: 2 ** 16 }, (_, value) => value.toString(2).replaceAll("0", "").length);

/** How many of the 144 bits of two hashes differ. */
export const hashDistance = (a: Fingerprint, b: Fingerprint): number =>
  a.hash.reduce((sum, word, i) => sum + (bitCounts[word ^ (b.hash[i] as number)] as number), 0);

/** Correlation of two grids, `Σ(a − ā)(b − b̄) / √(Σ(a − ā)² Σ(b − b̄)²)`, from −1 to 1; 0 where one has no contrast. */
export function gridCorrelation(a: Fingerprint, b: Fingerprint): number {
  const count = side * side;
  const mean = ({ grid }: Fingerprint): number => grid.reduce((sum, value) => sum + value, 0) / count;
  const [middleA, middleB] = [mean(a), mean(b)];
  let [both, squareA, squareB] = [0, 0, 0];
  for (let i = 0; i < count; i++) {
    const [x, y] = [(a.grid[i] as number) - middleA, (b.grid[i] as number) - middleB];
    both += x * y;
    squareA += x * x;
    squareB += y * y;
  }
  return squareA * squareB === 0 ? 0 : both / Math.sqrt(squareA * squareB);
}
