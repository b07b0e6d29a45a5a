import { elementCount, type Tensor } from "../graph/tensor.js";
import { type Architecture, parametersOf } from "./architecture.js";
import type { Weights } from "./checkpoint.js";

/**
 * Weights of a network before any training, as timm starts one: linear maps and positions `N(0, 0.02²)`, the class token
 * and registers `N(0, 10⁻¹²)`, norms the identity, layer scales `10⁻⁵`, biases zero. The patch embedding gets the deviation of PyTorch's convolutions,
 * `1/√(3 · fan-in)`.
 * @param normals gives, for a tensor's name, a source of standard normal numbers; the same numbers give the same weights
 * @see https://github.com/huggingface/pytorch-image-models `timm/models/vision_transformer.py`, `init_weights_vit_timm`
 */
export function randomWeights(architecture: Architecture, normals: (name: string) => () => number): Weights {
  const weights = new Map<string, Tensor<"float32">>();
  for (const { name, shape } of parametersOf(architecture)) {
    const data = new Float32Array(elementCount(shape));
    const deviation = deviationOf(name, architecture);
    if (/norm(\d|_pre)?\.weight$/.test(name)) data.fill(1);
    else if (name.endsWith(".gamma")) data.fill(layerScaleStart);
    else if (deviation > 0) {
      const normal = normals(name);
      for (let i = 0; i < data.length; i++) data[i] = deviation * normal();
    }
    weights.set(name, { dtype: "float32", shape, data });
  }
  return weights;
}

/** What timm's DINOv2 networks start a layer scale with. */
const layerScaleStart = 1e-5;

/** The standard deviation a tensor starts with; 0 for one that starts constant. */
function deviationOf(name: string, { channels, patchSize }: Architecture): number {
  if (name === "cls_token" || name === "reg_token") return 1e-6;
  if (name === "patch_embed.proj.weight") return 1 / Math.sqrt(3 * channels * patchSize ** 2);
  return name.endsWith(".bias") ? 0 : 0.02;
}
