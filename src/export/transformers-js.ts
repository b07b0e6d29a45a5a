import type { Architecture } from "../vit/architecture.js";
import type { Description } from "./description.js";
import { hfConfig } from "./hf-config.js";
import type { ExportDtype } from "./onnx.js";

/** The file of a model in a folder of transformers.js, and what it calls the type. */
export const transformersJsModels = {
  fp32: { path: "onnx/model.onnx", dtype: "fp32" },
  fp16: { path: "onnx/model_fp16.onnx", dtype: "fp16" },
  int8: { path: "onnx/model_quantized.onnx", dtype: "q8" },
} as const satisfies Readonly<Record<ExportDtype, { readonly path: string; readonly dtype: string }>>;

/**
 * The files beside the model that transformers.js reads, as texts by their path.
 * @param isApart true where the weights lie beside the model
 * @see https://huggingface.co/docs/transformers.js/guides/dtypes
 */
export function transformersJsFiles(
  architecture: Architecture,
  description: Description,
  dtype: ExportDtype,
  isApart: boolean,
): Readonly<Record<string, string>> {
  const config = {
    ...hfConfig(architecture, description.classes),
    // In browsers it would look for 8-bit weights without this.
    "transformers.js_config": {
      dtype: transformersJsModels[dtype].dtype,
      ...(isApart && { use_external_data_format: true }),
    },
  };
  return {
    "config.json": print(config),
    "preprocessor_config.json": print(pixelsOnly),
  };
}

/**
 * Images as they are: resizing and normalisation are in the model. transformers.js resizes differently in Node (its bilinear
 * and bicubic look at the nearest pixels alone, however much smaller the image becomes) and in browsers (by their
 * canvas), and neither is what the network was trained with.
 */
const pixelsOnly = {
  image_processor_type: "ViTImageProcessor",
  do_resize: false,
  do_rescale: false,
  do_normalize: false,
  do_convert_rgb: true,
};

const print = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
