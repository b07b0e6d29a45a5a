import { basename, dirname, join } from "node:path";
import { ConfigError } from "../errors.js";
import type { Description } from "../export/description.js";
import { resizingOf } from "../export/hf-config.js";
import { type ExportDtype, exportModel } from "../export/onnx.js";
import { transformersJsFiles, transformersJsModels } from "../export/transformers-js.js";
import type { Graph } from "../graph/graph.js";
import type { Tensor } from "../graph/tensor.js";
import type { Model } from "../onnx/model.js";
import { inlineModel, largestModel, outlineModel, weightBytes } from "../onnx/model-file.js";
import { openSession } from "../train/lanes.js";
import type { ExportOptions } from "./export.js";
import { checkExport, type ExportCheck } from "./export-check.js";
import type { ExportSource } from "./export-source.js";
import { type FileToWrite, textFile } from "./folder.js";
import { createOrtExecutor } from "./ort-node.js";

/** What the export changed on validation images, or why that is not known. */
export type Checked =
  | { readonly check: ExportCheck; readonly unchecked: null }
  | { readonly check: null; readonly unchecked: string };

/** The files of one format, and what was found on the way. */
export interface ExportedFiles {
  readonly files: readonly FileToWrite[];
  readonly checked: Checked;
  /** Sentences for the report and the card. */
  readonly notes: readonly string[];
}

const numbers = { fp32: "float32", fp16: "float16, input and output float32", int8: "8-bit integers" } as const;

/** What the numbers of a model are, in words. */
export const numbersOf = (dtype: ExportDtype): string => numbers[dtype];

/** The files of an ONNX model, for itself or for transformers.js. */
export async function modelFiles(
  { network, description }: ExportSource,
  options: ExportOptions & { readonly dtype: ExportDtype },
): Promise<ExportedFiles> {
  const { format, dtype, externalData } = options;
  const forJs = format === "transformers-js";
  const name = forJs ? transformersJsModels[dtype].path : "model.onnx";
  const resizing = forJs ? resizingOf(description.transform) : undefined;
  const texts = (isApart: boolean): readonly FileToWrite[] =>
    forJs
      ? Object.entries(transformersJsFiles(network.architecture, description, dtype, isApart)).map((file) =>
          textFile(...file),
        )
      : [];
  // What has no words there fails before anything is computed.
  texts(false);
  const compute = (graph: Graph) => computeOnce(graph, network.weights);
  const model = await exportModel(network, dtype, description, compute, resizing);
  const checked = await tryCheck(model, options, resizing ? pixelsAsTheyAre : description.contract);
  const isApart = externalData ?? weightBytes(model) > largestModel;
  return { files: [...texts(isApart), ...placeModel(model, name, isApart)], checked, notes: [] };
}

/** `(x / 255 − 0) / (1 / 255) = x`: such a model normalises by itself. */
const pixelsAsTheyAre = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] };

/** What the export changes; that it cannot be told is an error only where the images were asked for. */
async function tryCheck(
  model: Model,
  { run, backbone, best, threads, data, check = true, signal }: ExportOptions,
  contract: Description["contract"],
): Promise<Checked> {
  if (!check) return { check: null, unchecked: "it was not asked for" };
  if (run === undefined && data === undefined) return { check: null, unchecked: "no data was given with --data" };
  try {
    const options = { run, backbone, best, threads, data, signal };
    return { check: await checkExport(model, contract, options), unchecked: null };
  } catch (error) {
    if (data !== undefined || !(error instanceof ConfigError)) throw error;
    return { check: null, unchecked: error.message };
  }
}

/** The files of a model: `name`, and `name_data` where its weights lie apart. */
function placeModel(model: Model, name: string, isApart: boolean): readonly FileToWrite[] {
  const location = `${basename(name)}_data`;
  const { model: file, data } = isApart ? outlineModel(model, location) : inlineModel(model);
  return [{ path: name, ...file }, ...(data ? [{ path: join(dirname(name), location), ...data }] : [])];
}

/**
 * What a graph computes once, in ONNX Runtime.
 * @param feeds may hold more than the graph needs
 */
export async function computeOnce(
  graph: Graph,
  weights: (name: string) => Tensor,
  feeds: Readonly<Record<string, Tensor>> = {},
): Promise<Readonly<Record<string, Tensor>>> {
  if (Object.keys(graph.outputs).length === 0) return {};
  const executor = await createOrtExecutor();
  try {
    return await (await openSession(executor, graph, weights)).run(feeds);
  } finally {
    await executor.close();
  }
}
