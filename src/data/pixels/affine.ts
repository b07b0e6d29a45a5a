import type { RgbImage } from "../image.js";

/** Where a point of the result lies in the source: `x′ = a·x + b·y + c`, `y′ = d·x + e·y + f`, in pixels. */
export type Matrix = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** The cubic through four neighbours, `d` of the way from the second to the third; its slopes are central differences. */
function cubic(v1: number, v2: number, v3: number, v4: number, d: number): number {
  if (d === 0) return v2;
  return v2 + d * (v3 - v1 + d * (2 * (v1 - v2) + v3 - v4 + d * (-v1 + v2 - v3 + v4)));
}

const cut = (value: number): number => (value <= 0 ? 0 : value >= 255 ? 255 : value | 0);

const within = (position: number, side: number): number => (position < 0 ? 0 : position < side ? position : side - 1);

/**
 * The image seen through an affine map, bicubic, of the same size; what lies outside has the colour `fill`.
 * @see Pillow `Image.transform` with `AFFINE` and `BICUBIC`, whose arithmetic this follows: values are cut, not rounded
 */
export function mapAffine(image: RgbImage, [a, b, c, d, e, f]: Matrix, fill: readonly number[]): RgbImage {
  const { width, height, data } = image;
  const mapped = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    const [fromY, byY] = [b * (y + 0.5), e * (y + 0.5)];
    for (let x = 0; x < width; x++) {
      const to = (y * width + x) * 3;
      const atX = a * (x + 0.5) + fromY + c;
      const atY = d * (x + 0.5) + byY + f;
      if (!(atX >= 0 && atX < width && atY >= 0 && atY < height)) {
        mapped[to] = fill[0] as number;
        mapped[to + 1] = fill[1] as number;
        mapped[to + 2] = fill[2] as number;
        continue;
      }
      const left = Math.floor(atX - 0.5);
      const top = Math.floor(atY - 0.5);
      const [right, down] = [atX - 0.5 - left, atY - 0.5 - top];
      const x1 = within(left - 1, width) * 3;
      const x2 = within(left, width) * 3;
      const x3 = within(left + 1, width) * 3;
      const x4 = within(left + 2, width) * 3;
      const y1 = within(top - 1, height) * width * 3;
      const y2 = within(top, height) * width * 3;
      const y3 = within(top + 1, height) * width * 3;
      const y4 = within(top + 2, height) * width * 3;
      for (let k = 0; k < 3; k++) {
        mapped[to + k] = cut(
          down === 0
            ? across(data, y2 + k, x1, x2, x3, x4, right)
            : cubic(
                across(data, y1 + k, x1, x2, x3, x4, right),
                across(data, y2 + k, x1, x2, x3, x4, right),
                across(data, y3 + k, x1, x2, x3, x4, right),
                across(data, y4 + k, x1, x2, x3, x4, right),
                down,
              ),
        );
      }
    }
  }
  return { width, height, data: mapped };
}

const across = (data: Uint8Array, row: number, x1: number, x2: number, x3: number, x4: number, d: number): number =>
  cubic(data[row + x1] as number, data[row + x2] as number, data[row + x3] as number, data[row + x4] as number, d);

/**
 * The image turned counter-clockwise about its middle.
 * @param degrees in (−90, 90)
 * @see Pillow `Image.rotate`
 */
export function rotate(image: RgbImage, degrees: number, fill: readonly number[]): RgbImage {
  if (degrees === 0) return image;
  const angle = -((((degrees % 360) + 360) % 360) * (Math.PI / 180));
  // Fifteen decimals hide in which last bit engines differ.
  const round = (value: number): number => Number(value.toFixed(15));
  const [cos, sin, back] = [round(Math.cos(angle)), round(Math.sin(angle)), round(-Math.sin(angle))];
  const [x, y] = [image.width / 2, image.height / 2];
  return mapAffine(image, [cos, sin, cos * -x + sin * -y + x, back, cos, back * -x + cos * -y + y], fill);
}
