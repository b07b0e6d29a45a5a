/** Pixels of one image: 8-bit red, green, blue, row by row, `[height, width, 3]`. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}
