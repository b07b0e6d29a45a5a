import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Account } from "../adapter/account.js";
import { isDrawn } from "../data/drawn.js";
import { ConfigError } from "../errors.js";
import { methodOf } from "../methods/index.js";
import { accountFor } from "../train/assemble.js";
import { resolveOptions } from "../train/options.js";
import { type Architecture, architectureOf, parameterCount } from "../vit/architecture.js";
import { readSafetensorsHeader } from "../vit/safetensors.js";
import { openAdapter } from "./classifier.js";
import { isDataFile } from "./datasets/archive.js";
import { isThere, openBytes } from "./files.js";
import { parseHubName } from "./hub/name.js";
import { bundledBackbone, isLastingPlace, type LocateOptions, openLocated } from "./hub.js";
import { type DataInspection, inspectData } from "./inspect-data.js";
import { describePeft, isPeftFolder } from "./peft-folder.js";
import { readResult, readRunRecord, runFiles } from "./run-folder.js";
import { isWeights } from "./weights-names.js";

/** How an architecture is looked at. */
export interface InspectOptions extends LocateOptions {
  /** Default `sas`. */
  readonly method?: string | undefined;
  readonly options?: Readonly<Record<string, unknown>> | undefined;
  /** Classes of the head to be counted; default: the backbone's own. */
  readonly classes?: number | undefined;
  /** Told how many of a data set's images have been looked at. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a name, a folder or a file is, in plain values. */
export type Inspection =
  | (Account & { readonly kind: "architecture" | "backbone"; readonly name: string } & Record<string, unknown>)
  | (Account & { readonly kind: "adapter" | "run"; readonly name: string } & Record<string, unknown>)
  | ({ readonly kind: "run" | "adapter"; readonly name: string } & Record<string, unknown>)
  | DataInspection;

type Kind = "architecture" | "backbone" | "adapter" | "PEFT adapter" | "run" | "data set";

/**
 * What there is to know about a backbone's folder or name (`sas-mini`, or on the hub), an adapter's file or folder of HF
 * PEFT, a run folder, a data set, or an architecture's name.
 * @throws ConfigError where it is none of them, or an option speaks of another kind
 * @throws FormatError where a file is damaged
 */
export async function inspect(target: string, options: InspectOptions = {}): Promise<Inspection> {
  const kind = await kindOf(target);
  refuseIdleOptions(target, kind, options);
  switch (kind) {
    case "architecture":
      return { kind, name: target, ...describe(architectureOf(target), options) };
    case "backbone":
      return inspectBackbone(target, options);
    case "adapter":
      return inspectAdapter(target);
    case "PEFT adapter":
      return { kind: "adapter", name: target, ...(await describePeft(target)) };
    case "run":
      return inspectRun(target);
    case "data set":
      return inspectData(target, options);
  }
}

async function kindOf(target: string): Promise<Kind> {
  if (isDrawn(target)) return "data set";
  const facts = await stat(target).catch(() => undefined);
  if (facts === undefined) {
    if (target === bundledBackbone || parseHubName(target)) return "backbone";
    if (/^(vit|deit)[^/\\]*$/.test(target) && !isDataFile(target) && !isWeights(target)) return "architecture";
    throw new ConfigError(`${target}: there is no such file or folder. Check the path.`);
  }
  if (facts.isFile() && isDataFile(target)) return "data set";
  if (facts.isFile() && !isWeights(target)) {
    throw new ConfigError(
      `${target}: expected an adapter's file (.safetensors), a backbone's weights, a run or a data set (a folder, an archive, a list).`,
    );
  }
  if (facts.isFile()) return (await isAdapter(target)) ? "adapter" : "backbone";
  if (await isPeftFolder(target)) return "PEFT adapter";
  const names = await readdir(target);
  if (names.includes(runFiles.metrics) || names.includes(runFiles.adapter)) return "run";
  return names.some(isWeights) ? "backbone" : "data set";
}

/** What has no effect on a target would be believed to have had one. */
function refuseIdleOptions(target: string, kind: Kind, options: InspectOptions): void {
  const { method, classes, revision, options: given = {} } = options;
  const isNetwork = kind === "architecture" || kind === "backbone";
  const idle = { ...(kind !== "backbone" && { revision }), ...(!isNetwork && { method, classes, ...given }) };
  const [set] = Object.entries(idle).find(([, value]) => value !== undefined) ?? [];
  if (set === undefined) return;
  const what = kind === "architecture" ? "the name of an architecture" : `a ${kind}`;
  throw new ConfigError(`${target}: ${set} has no effect on ${what}. Leave it out.`);
}

/** True for a safetensors file that says it is an adapter. */
async function isAdapter(path: string): Promise<boolean> {
  if (!path.endsWith(".safetensors")) return false;
  const file = await openBytes(path);
  try {
    return (await readSafetensorsHeader(file)).metadata.format === "sas-petl-adapter";
  } finally {
    await file.close();
  }
}

function describe(architecture: Architecture, { method: name = "sas", options = {}, classes }: InspectOptions) {
  const method = methodOf(name);
  const task = { ...architecture, classes: classes ?? architecture.classes };
  const resolved = resolveOptions(method, task, options);
  const account = accountFor(method, task, resolved);
  return { method: name, options: resolved, ...account, backbone: parameterCount(architecture), architecture };
}

async function inspectBackbone(folder: string, options: InspectOptions): Promise<Inspection> {
  const backbone = await openLocated(folder, options);
  for (const warning of backbone.warnings) options.onWarning?.(`${folder}: ${warning}`);
  const { classNames, ...contract } = backbone.contract;
  return {
    kind: "backbone",
    name: backbone.name,
    ...(isLastingPlace(backbone.place) && { place: backbone.place }),
    ...describe(backbone.architecture, options),
    contract: { ...contract, classNames: classNames?.length ?? 0 },
    hash: await backbone.hash(),
    unused: backbone.unused,
  };
}

async function inspectAdapter(path: string): Promise<Inspection> {
  const { account, tensors, method, options, ...rest } = await openAdapter(path);
  const shapes = Object.fromEntries(Object.entries(tensors).map(([name, { shape }]) => [name, shape]));
  return { kind: "adapter", name: path, method, options, ...account, ...rest, tensors: shapes };
}

async function inspectRun(folder: string): Promise<Inspection> {
  const record = await readRunRecord(folder);
  const result = await readResult(folder);
  const run = {
    config: record?.config ?? null,
    places: record?.places ?? null,
    facts: record?.facts ?? null,
    result: result ?? null,
  };
  if (!(await isThere(join(folder, runFiles.adapter)))) return { kind: "run", name: folder, finished: false, ...run };
  const { method, options, account, classes } = await openAdapter(folder);
  return { kind: "run", name: folder, finished: result !== undefined, method, options, ...account, classes, ...run };
}
