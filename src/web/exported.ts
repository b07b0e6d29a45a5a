import { parseTransform } from "../data/transform.js";
import { FormatError } from "../errors.js";
import { inputName } from "../export/network.js";
import { normalizePixels } from "../export/pixels.js";
import { readMetadata } from "../onnx/metadata.js";
import { OrtEngine, type OrtModule } from "../run/ort-engine.js";
import { type Classifier, openClassifier } from "./classifier.js";
import { type Download, download } from "./download.js";

/** What an exported model is opened from. */
export interface ExportedOptions {
  /** ONNX Runtime as the page imports it: `onnxruntime-web`, or `onnxruntime-web/webgpu` for the GPU. */
  readonly ort: OrtModule;
  /** `model.onnx` of `sas-petl export --format onnx`. */
  readonly model: Download;
  /** `model.onnx_data`, where the weights lie beside the model. */
  readonly data?: Download;
  /** default "wasm" */
  readonly target?: "wasm" | "webgpu";
}

/**
 * The classifier of an exported model: its classes and what happens to an image travel inside the file.
 * @throws FormatError where the file is no model, or none of this project's export
 * @throws ConfigError where an address gives nothing
 * @throws RuntimeUnavailableError where ONNX Runtime cannot run it here
 */
export async function openExported({ ort, model, data, target = "wasm" }: ExportedOptions): Promise<Classifier> {
  const { name, bytes } = await download(model, "model.onnx");
  const { classes, transform, ...contract } = describe(readMetadata(bytes, name), name);
  const beside = data === undefined ? [] : [{ path: "model.onnx_data", data: (await download(data, "data")).bytes }];
  const engine = new OrtEngine(ort, { executionProviders: [target], logSeverityLevel: 3 });
  const session = await engine.load({ name, model: bytes, externalData: beside });
  return openClassifier({
    run: async (image) => engine.run(session, { [inputName]: normalizePixels(image, contract) }, []),
    classes,
    transform,
    close: () => engine.close(),
  });
}

function describe(metadata: Readonly<Record<string, string>>, name: string) {
  const list = (key: string): readonly unknown[] => {
    const value: unknown = JSON.parse(metadata[key] ?? "null");
    if (!Array.isArray(value)) throw new Error(key);
    return value;
  };
  try {
    return {
      classes: list("labels").map(String),
      mean: list("image_mean").map(Number),
      std: list("image_std").map(Number),
      transform: parseTransform(metadata.transform ?? ""),
    };
  } catch (cause) {
    const expected =
      "expected a model of sas-petl export --format onnx, with labels, image_mean, image_std and transform";
    throw new FormatError(`${name}: ${expected} in its metadata. Export it again.`, { cause });
  }
}
