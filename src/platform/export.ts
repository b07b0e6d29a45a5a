import { basename, dirname, join, resolve } from "node:path";
import { ConfigError } from "../errors.js";
import type { Description } from "../export/description.js";
import { type ExportDtype, exportModel } from "../export/onnx.js";
import type { Graph } from "../graph/graph.js";
import type { Tensor } from "../graph/tensor.js";
import type { Model } from "../onnx/model.js";
import { inlineModel, largestModel, outlineModel, weightBytes } from "../onnx/model-file.js";
import { parameterCount } from "../vit/architecture.js";
import { checkExport, type ExportCheck } from "./export-check.js";
import { openSource, type SourceOptions } from "./export-source.js";
import { type FileToWrite, refuseFilled, writeFolder } from "./folder.js";
import { createOrtExecutor } from "./ort-node.js";

/** What is exported, how and where to. */
export interface ExportOptions extends SourceOptions {
  readonly format: ExportFormat;
  /** Folder to make. */
  readonly out: string;
  /** Default `fp32`. */
  readonly dtype?: ExportDtype | undefined;
  /** Weights in a file beside the model; always where they take more than 1.5 GiB. */
  readonly externalData?: boolean | undefined;
  /** Data set whose validation images tell what the export changes; the run's own where absent. */
  readonly data?: string | undefined;
  /** Whether that is measured; default true. */
  readonly check?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What people can do with a network that leaves. */
export const exportFormats = ["onnx"] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** What was exported. */
export interface ExportReport {
  readonly format: ExportFormat;
  readonly out: string;
  readonly dtype: ExportDtype;
  readonly backbone: string;
  /** Null for a backbone with its own head. */
  readonly method: string | null;
  /** False where the method does not fold: then the adapter's tensors are in the model beside the frozen ones. */
  readonly isMerged: boolean;
  /** Numbers in the network, its head included. */
  readonly parameters: number;
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  /** What the export changed on validation images; null where that was not measured. */
  readonly check: ExportCheck | null;
  /** Why it was not measured. */
  readonly unchecked: string | null;
  /** The command that puts the folder on the Hugging Face hub. */
  readonly upload: string;
}

/**
 * Writes a network for other people's runtimes and returns what was written. The folder is there with all of its files or
 * not at all.
 * @throws ConfigError where the folder exists already, or run and backbone do not belong together
 * @throws FormatError where a file is damaged
 */
export async function exportNetwork(options: ExportOptions): Promise<ExportReport> {
  const { out, format, dtype = "fp32", signal } = options;
  await refuseFilled(out);
  const source = await openSource(options);
  signal?.throwIfAborted();
  const { network, description } = source;
  const model = await exportModel(network, dtype, description, (graph) => computeOnce(graph, network.weights));
  const { check, unchecked } = await tryCheck(model, options, description);
  const files = modelFiles(model, "model.onnx", options.externalData ?? weightBytes(model) > largestModel);
  await writeFolder(out, files);
  return {
    format,
    out,
    dtype,
    backbone: description.base.name,
    method: description.adapter?.method ?? null,
    isMerged: description.adapter?.isMerged ?? true,
    parameters:
      parameterCount(network.architecture, { head: true }) +
      (description.adapter?.isMerged ? 0 : (description.adapter?.account.trainable ?? 0)),
    files: files.map(({ path, byteLength }) => ({ path: join(out, path), bytes: byteLength })),
    check,
    unchecked,
    upload: `hf upload ${basename(resolve(out))} ${out}`,
  };
}

/** What the export changes; that it cannot be told is an error only where the images were asked for. */
async function tryCheck(
  model: Model,
  { run, backbone, best, threads, data, check = true, signal }: ExportOptions,
  description: Description,
): Promise<Pick<ExportReport, "check" | "unchecked">> {
  if (!check) return { check: null, unchecked: "it was not asked for" };
  try {
    const options = { run, backbone, best, threads, data, signal };
    return { check: await checkExport(model, description, options), unchecked: null };
  } catch (error) {
    if (data !== undefined || !(error instanceof ConfigError)) throw error;
    return { check: null, unchecked: error.message };
  }
}

/** The files of a model: `name`, and `name_data` where its weights lie apart. */
function modelFiles(model: Model, name: string, isApart: boolean): readonly FileToWrite[] {
  const location = `${basename(name)}_data`;
  const { model: file, data } = isApart ? outlineModel(model, location) : inlineModel(model);
  return [{ path: name, ...file }, ...(data ? [{ path: join(dirname(name), location), ...data }] : [])];
}

/** What a graph without feeds computes, in ONNX Runtime. */
async function computeOnce(graph: Graph, weights: (name: string) => Tensor): Promise<Record<string, Tensor>> {
  const executor = await createOrtExecutor();
  try {
    return await (await executor.load(graph, weights)).run({});
  } finally {
    await executor.close();
  }
}
