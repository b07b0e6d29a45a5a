import { halveModel } from "../onnx/half-model.js";
import { buildModel, type Compute, type Model } from "../onnx/model.js";
import { quantizeModel } from "../onnx/quantized-model.js";
import { type Resizing, resizeModel } from "../onnx/resized-model.js";
import type { Description } from "./description.js";
import { inputName, type Network, networkGraph } from "./network.js";

/** In what numbers an exported model is kept. */
export const exportDtypes = ["fp32", "fp16", "int8"] as const;
export type ExportDtype = (typeof exportDtypes)[number];

/**
 * The ONNX model of a network: `pixel_values` `[batch_size, 3, height, width]` to `logits` `[batch_size, classes]`, both
 * float32. `fp16` keeps and computes everything between in 16 bits; `int8` multiplies in the maps of the blocks with
 * 8-bit integers and leaves patch embedding and head as they are.
 * @param compute runs what depends on weights alone
 * @param resizing part of the model where it is given: then it takes pixels from 0 to 255, of images of any size
 */
export async function exportModel(
  network: Network,
  dtype: ExportDtype,
  description: Description,
  compute: Compute,
  resizing?: Resizing,
): Promise<Model> {
  const build = (batch: number) => networkGraph(network, batch, resizing && description.contract);
  const model = await buildModel(build, inputName, network.weights, metadataOf(description), compute);
  const small = shrink(model, dtype);
  return resizing ? resizeModel(small, inputName, resizing) : small;
}

function shrink(model: Model, dtype: ExportDtype): Model {
  if (dtype === "fp16") return halveModel(model);
  return dtype === "int8" ? quantizeModel(model, (name) => name.startsWith("blocks.")) : model;
}

/** What the model says of itself, as texts. */
const metadataOf = (d: Description): Readonly<Record<string, string>> => ({
  labels: JSON.stringify(d.classes),
  image_size: JSON.stringify(d.imageSize),
  image_mean: JSON.stringify(d.contract.mean),
  image_std: JSON.stringify(d.contract.std),
  transform: d.transform,
  base_model: d.base.name,
  base_model_hash: d.base.hash,
  ...(d.adapter && {
    method: d.adapter.method,
    adapter_hash: d.adapter.hash,
    merged: String(d.adapter.isMerged),
  }),
});
