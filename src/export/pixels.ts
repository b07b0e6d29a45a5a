import { type Tensor, tensor } from "../graph/tensor.js";

/**
 * Images as exported networks take them: `(p / 255 − mean) / std`, channels first.
 * @param images `uint8 [batch, height, width, 3]`
 * @returns `[batch, 3, height, width]`
 */
export function normalizePixels(
  images: Tensor,
  { mean, std }: { readonly mean: readonly number[]; readonly std: readonly number[] },
): Tensor<"float32"> {
  const [batch, height, width, channels] = images.shape as readonly [number, number, number, number];
  const area = height * width;
  const data = new Float32Array(images.data.length);
  for (let c = 0; c < channels; c++) {
    const [m, s] = [mean[c] as number, std[c] as number];
    const table = Float32Array.from({ length: 256 }, (_, p) => (p / 255 - m) / s);
    for (let image = 0; image < batch; image++) {
      const from = image * area * channels + c;
      const to = (image * channels + c) * area;
      for (let i = 0; i < area; i++) data[to + i] = table[images.data[from + i * channels] as number] as number;
    }
  }
  return tensor("float32", [batch, channels, height, width], data);
}
