import { basename, join, resolve } from "node:path";
import { type CardFormat, modelCard, type Score } from "../export/card.js";
import type { ExportDtype } from "../export/onnx.js";
import { parameterCount } from "../vit/architecture.js";
import type { HfVersion } from "../vit/hf-names.js";
import type { ExportCheck } from "./export-check.js";
import { type Checked, modelFiles, numbersOf } from "./export-model.js";
import { peftFiles } from "./export-peft.js";
import { type ExportSource, openSource, type SourceOptions } from "./export-source.js";
import { checkpointFiles } from "./export-weights.js";
import { textFile, writeFolder } from "./folder.js";
import { readResult, readRunRecord } from "./run-folder.js";
import { packageVersion } from "./versions.js";

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
  /** Whose names a checkpoint's tensors have; default `timm`. */
  readonly names?: "timm" | "hf" | undefined;
  /** peft: whose module names, before or since version 5 of transformers; default `v5`. */
  readonly modules?: HfVersion | undefined;
  /** peft: rank of what approximates a change of full rank. */
  readonly rank?: number | undefined;
  /** For the model card, as the hub names it. */
  readonly license?: string | undefined;
  /** For the model card: where the backbone lies on the hub. */
  readonly baseModel?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What people can do with a network that leaves. */
export const exportFormats = ["onnx", "transformers-js", "safetensors", "peft"] as const;
/** One of them. */
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
  /** What else people should know. */
  readonly notes: readonly string[];
  /** The command that puts the folder on the Hugging Face hub. */
  readonly upload: string;
}

/**
 * Writes a network for other people's runtimes, with a model card, and returns what was written. The folder is there with
 * all of its files or not at all.
 * @throws ConfigError where the folder exists already, run and backbone do not belong together, or the format has no place
 * for this network
 * @throws FormatError where a file is damaged
 */
export async function exportNetwork(given: ExportOptions): Promise<ExportReport> {
  const options = { ...given, dtype: given.dtype ?? "fp32" };
  const { out, format, dtype } = options;
  const { files, checked, notes, network, description } = await writeFolder(out, () => composeExport(options));
  return {
    format,
    out,
    dtype,
    backbone: description.base.name,
    method: description.adapter?.method ?? null,
    isMerged: description.adapter?.isMerged ?? true,
    parameters:
      parameterCount(network.architecture, { head: true }) +
      (description.adapter && !description.adapter.isMerged ? description.adapter.account.trainable : 0),
    files: files.map(({ path, byteLength }) => ({ path: join(out, path), bytes: byteLength })),
    ...checked,
    notes,
    upload: `hf upload ${quote(basename(resolve(out)))} ${quote(out)}`,
  };
}

/** The files of an export, the card first, and what was found on the way. */
async function composeExport(options: ExportOptions & { readonly dtype: ExportDtype }) {
  const { out, dtype, signal, run } = options;
  const source = await openSource(options);
  signal?.throwIfAborted();
  const { network, description } = source;
  const { files, checked, notes } = await filesOf(source, options);
  const { check } = checked;
  const card = modelCard(description, {
    name: basename(resolve(out)),
    format: cardFormatOf(options),
    numbers: numbersOf(dtype),
    baseModel: options.baseModel,
    dataset: await datasetOf(run, options.data),
    license: options.license ?? "unknown",
    scores: [
      ...(check ? [{ split: "validation", images: check.images, top1: check.after.top1 }] : []),
      ...(await testScore(options)),
    ],
    notes: [...changeNotes(dtype, checked), ...notes],
    version: packageVersion(),
  });
  return { files: [textFile("README.md", card), ...files], checked, notes, network, description };
}

function filesOf(source: ExportSource, options: ExportOptions & { readonly dtype: ExportDtype }) {
  if (options.format === "peft") return peftFiles(source, options);
  return options.format === "safetensors" ? checkpointFiles(source, options) : modelFiles(source, options);
}

const cardFormatOf = ({ format, names }: ExportOptions): CardFormat =>
  format === "safetensors" ? (names === "hf" ? "transformers" : "timm") : format;

/** A word as a shell reads it. */
const quote = (word: string): string => (/^[\w./:\\-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** The name of the data set, without the folders above it. */
async function datasetOf(run: string | undefined, data: string | undefined): Promise<string | undefined> {
  const place =
    data ?? (run === undefined ? undefined : (await readRunRecord(run).catch(() => undefined))?.places.data);
  return place === undefined ? undefined : basename(place);
}

/** What the run scored on test images, where the adapter is that of its end. */
async function testScore({ run, best, dtype }: ExportOptions): Promise<readonly Score[]> {
  if (run === undefined || dtype !== "fp32") return [];
  const result = await readResult(run).catch(() => undefined);
  const metrics = best ? result?.best?.test : result?.test;
  return metrics ? [{ split: "test", top1: metrics.top1 }] : [];
}

/** What the card says of the accuracy before and after. */
function changeNotes(dtype: ExportDtype, { check }: Checked): readonly string[] {
  if (!check) return [];
  const percent = (x: number): string => `${(100 * x).toFixed(1)} %`;
  return [
    `Measured on ${check.images} validation images: ${percent(check.before.top1)} top-1 as trained, ${percent(check.after.top1)} as exported (${dtype}); the same class for ${percent(check.agreement)} of them, logits within ${check.logitError.toExponential(1)} of the largest.`,
  ];
}
