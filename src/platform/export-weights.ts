import { parseTransform } from "../data/transform.js";
import { ConfigError } from "../errors.js";
import type { Description } from "../export/description.js";
import { hfConfig, preprocessorConfig, requireHfVit } from "../export/hf-config.js";
import type { Tensor } from "../graph/tensor.js";
import { parametersOf } from "../vit/architecture.js";
import { printConfig } from "../vit/config.js";
import { completeContract, type DataContract } from "../vit/contract.js";
import { toHfNames } from "../vit/hf-names.js";
import { safetensorsChunks } from "../vit/safetensors.js";
import type { ExportOptions } from "./export.js";
import type { ExportedFiles } from "./export-model.js";
import type { ExportSource } from "./export-source.js";
import { chunksFile, textFile } from "./folder.js";

/**
 * The files of a merged checkpoint that timm or HF transformers load.
 * @throws ConfigError where the network is no plain one, or there is no 8-bit form
 */
export async function checkpointFiles(
  { network, description }: ExportSource,
  { dtype, names = "timm" }: Pick<ExportOptions, "dtype" | "names">,
): Promise<ExportedFiles> {
  if (network.adapt) {
    throw new ConfigError(
      `${description.adapter?.method} does not fold into the network, and a checkpoint has no place for it. Take --format onnx.`,
    );
  }
  if (dtype === "int8")
    throw new ConfigError("safetensors: checkpoints are fp32 or fp16, got int8. Take --format onnx.");
  const { architecture } = network;
  if (names === "hf") requireHfVit(architecture);
  const tensors = parametersOf(architecture).map(({ name }): [string, Tensor] => [name, network.weights(name)]);
  const stored = names === "hf" ? toHfNames(tensors, "v4") : new Map(tensors);
  const texts =
    names === "hf"
      ? {
          "config.json": print(hfConfig(architecture, description.classes)),
          "preprocessor_config.json": print(preprocessorConfig(description)),
        }
      : {
          "config.json": printConfig(
            architecture,
            completeContract(contractOf(description, architecture.imageSize), architecture.imageSize).contract,
          ),
        };
  const chunks = safetensorsChunks({ metadata: { format: "pt" }, tensors: stored }, { half: dtype === "fp16" });
  return {
    files: [...Object.entries(texts).map((file) => textFile(...file)), chunksFile("model.safetensors", chunks)],
    checked: { check: null, unchecked: "the weights are written as they are" },
    notes: [],
  };
}

/** The contract in timm's words; of another transform than it knows, its size and normalisation alone. */
function contractOf(
  { contract: { mean, std }, classes, transform }: Description,
  imageSize: DataContract["imageSize"],
) {
  const [, resize, crop, ...rest] = parseTransform(transform);
  const stated = { mean, std, classNames: classes };
  if (rest.length === 0 && resize?.name === "resize" && crop === undefined) {
    return { ...stated, interpolation: resize.filter, cropMode: "squash" } as const;
  }
  if (rest.length === 0 && resize?.name === "resize-short" && crop?.name === "center-crop") {
    return { ...stated, interpolation: resize.filter, cropFraction: Math.min(1, imageSize[0] / resize.size) };
  }
  return stated;
}

const print = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
