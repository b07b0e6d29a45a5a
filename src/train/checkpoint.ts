import { FormatError } from "../errors.js";
import type { Metrics } from "../evaluate/metrics.js";
import type { Tensor } from "../graph/tensor.js";
import type { Safetensors } from "../vit/safetensors.js";

/** Tensors by name. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** Where a training stands between two updates, beside its tensors. */
export interface Progress {
  /** Whole epochs done, evaluation included. */
  readonly epoch: number;
  /** Updates done of the next epoch. */
  readonly step: number;
  /** Over the images of the unfinished epoch: sum of losses, right answers, images. */
  readonly running: { readonly loss: number; readonly correct: number; readonly images: number };
  /** On the validation images after the last whole epoch. */
  readonly val: Metrics | null;
  readonly best: { readonly epoch: number; readonly val: Metrics } | null;
  /** Length of the metrics file that belongs to this state. */
  readonly metricsBytes: number;
  /** Seconds spent on training images and their number, over all processes of this run; for the report only. */
  readonly spent: { readonly seconds: number; readonly images: number };
}

/**
 * Everything a training needs to go on. Where the best epoch is the last one, `best` is what was scored then: the average of
 * the parameters where there is one, else the parameters themselves.
 */
export interface Checkpoint {
  readonly progress: Progress;
  readonly parameters: Tensors;
  readonly state: Tensors;
  /** Moving average of the parameters. */
  readonly average: Tensors | null;
  readonly best: Tensors | null;
}

const version = "1";

/** The file of a checkpoint: tensors `parameters/…`, `state/…`, `average/…`, `best/…`; the progress as JSON in the metadata. */
export function encodeCheckpoint({ progress, parameters, state, average, best }: Checkpoint): Safetensors {
  const tensors = new Map<string, Tensor>();
  const kept = best === (average ?? parameters) ? null : best;
  for (const [part, values] of Object.entries({ parameters, state, average: average ?? {}, best: kept ?? {} })) {
    for (const [name, value] of Object.entries(values)) tensors.set(`${part}/${name}`, value);
  }
  return { metadata: { format: "sas-petl-checkpoint", version, progress: JSON.stringify(progress) }, tensors };
}

/**
 * The checkpoint of a file; `decodeCheckpoint(encodeCheckpoint(c))` equals `c`.
 * @param name what to call the file in messages
 * @throws FormatError where it is no checkpoint of this version
 */
export function decodeCheckpoint({ metadata, tensors }: Safetensors, name: string): Checkpoint {
  const parts = { parameters: {}, state: {}, average: {}, best: {} } as Record<string, Record<string, Tensor>>;
  for (const [path, tensor] of tensors) {
    const [part = "", ...rest] = path.split("/");
    const values = parts[part];
    if (values === undefined) throw damaged(name, `tensor ${JSON.stringify(path.slice(0, 80))} belongs to no part`);
    values[rest.join("/")] = tensor;
  }
  if (metadata.format !== "sas-petl-checkpoint" || metadata.version !== version || metadata.progress === undefined) {
    throw damaged(name, `it is no checkpoint of version ${version}`);
  }
  const progress = parseProgress(metadata.progress, name);
  const { parameters = {}, state = {}, average: averaged = {}, best = {} } = parts;
  const average = Object.keys(averaged).length > 0 ? averaged : null;
  const kept = Object.keys(best).length > 0 ? best : (average ?? parameters);
  return { progress, parameters, state, average, best: progress.best === null ? null : kept };
}

function parseProgress(text: string, name: string): Progress {
  let value: Partial<Progress> | null;
  try {
    value = JSON.parse(text) as Partial<Progress> | null;
  } catch {
    value = null;
  }
  const isCount = (n: unknown) => Number.isSafeInteger(n) && (n as number) >= 0;
  if (!value || ![value.epoch, value.step, value.metricsBytes].every(isCount) || !value.running || !value.spent) {
    throw damaged(name, "its progress is incomplete");
  }
  return value as Progress;
}

const damaged = (name: string, what: string): FormatError =>
  new FormatError(`${name}: ${what}. Delete the file to start the run anew, or use another --out.`);
