import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ConfigError, FormatError } from "../errors.js";
import type { LazyTensor, LazyTensors } from "../vit/lazy-tensor.js";
import { openTensors } from "../vit/open-tensors.js";
import { codeOf, explainFailure, openBytes } from "./files.js";

/** Names under which weights are published, the first found first. */
const usualNames = [
  "model.safetensors",
  "model.safetensors.index.json",
  "pytorch_model.bin",
  "pytorch_model.bin.index.json",
];

/** True for the name of a file of weights, by its ending. */
export const isWeights = (name: string): boolean => /\.(safetensors|npz|pth|pt|bin)$/.test(name);

/**
 * The file of weights, or the index of several, of a folder; a file stands for itself.
 * @throws ConfigError where there is none, or more than one and nothing says which
 */
export async function findWeights(place: string): Promise<string> {
  const facts = await stat(place).catch(() => undefined);
  if (facts?.isFile() && (isWeights(place) || place.endsWith(".index.json"))) return place;
  const names = await readdir(place).catch((error) => {
    const code = codeOf(error);
    if (code !== "ENOENT" && code !== "ENOTDIR") throw explainFailure(error, place, "read");
    throw new ConfigError(
      `${place}: expected a backbone's folder with config.json and model.safetensors, or a file of weights (.safetensors, .npz, .pth, .bin), got ${code === "ENOENT" ? "nothing" : "a file"}. Check the path.`,
    );
  });
  return join(place, chooseWeights(names, place));
}

/**
 * The file of weights, or the index of several, among the files of a folder or of a repository.
 * @param place what to call the folder in messages
 * @throws ConfigError where there is none, or more than one and nothing says which
 */
export function chooseWeights(names: readonly string[], place: string): string {
  const usual = usualNames.find((name) => names.includes(name));
  if (usual !== undefined) return usual;
  const candidates = names.filter(isWeights).sort();
  const [single] = candidates;
  if (single !== undefined && candidates.length === 1) return single;
  if (single !== undefined) {
    throw new ConfigError(
      `${place}: expected one file of weights, got ${candidates.length} (${candidates.slice(0, 3).join(", ")}). Give the path of the one to use, or rename it to model.safetensors.`,
    );
  }
  const foreign = names.find((name) => /\.(ckpt|h5|msgpack|onnx|gguf|tflite)$/.test(name));
  if (foreign !== undefined) {
    throw new FormatError(`${join(place, foreign)}: this format is not read. Save the weights as model.safetensors.`);
  }
  throw new ConfigError(`${place}: expected model.safetensors, there is none. Check the path.`);
}

/** Tensors of one file or of several, which stay open until `close`. */
export interface Weights {
  readonly tensors: LazyTensors;
  /** Changes when one of the files does. */
  readonly version: string;
  close(): Promise<void>;
}

/**
 * The tensors of a file of weights, or of all files of an index; only headers are read.
 * @throws FormatError where a file is damaged, or an index names what is not there
 */
export async function openWeights(path: string): Promise<Weights> {
  const shards = path.endsWith(".index.json") ? await readIndex(path) : new Map([[path, undefined]]);
  const files: Awaited<ReturnType<typeof openBytes>>[] = [];
  const close = async () => {
    await Promise.all(files.map((file) => file.close()));
  };
  try {
    const tensors = new Map<string, LazyTensor>();
    for (const [shard, names] of shards) {
      const file = await openBytes(shard);
      files.push(file);
      const own = await openTensors(file);
      const absent = names && [...names].find((name) => !own.has(name));
      if (absent !== undefined) {
        throw new FormatError(
          `${shard}: expected the tensor ${JSON.stringify(absent.slice(0, 80))}, which ${path} puts there, got nothing. The files are of two downloads; fetch them again.`,
        );
      }
      const extra = names && [...own.keys()].find((name) => !names.has(name));
      if (extra !== undefined) {
        throw new FormatError(
          `${shard}: the tensor ${JSON.stringify(extra.slice(0, 80))} is not in ${path}. The files are of two downloads; fetch them again.`,
        );
      }
      for (const [name, tensor] of own) tensors.set(name, tensor);
    }
    return { tensors, version: files.map(({ version }) => version).join("+"), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The files an index names, with the tensors each must have. */
async function readIndex(path: string): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const refuse = (what: string): never => {
    throw new FormatError(`${path}: ${what}. The index is damaged; fetch it again.`);
  };
  const text = await readFile(path, "utf8").catch((error) => {
    throw explainFailure(error, path, "read");
  });
  let index: unknown;
  try {
    index = JSON.parse(text);
  } catch {
    refuse("no valid JSON");
  }
  const map = typeof index === "object" && index !== null && "weight_map" in index ? index.weight_map : undefined;
  if (typeof map !== "object" || map === null || Array.isArray(map)) return refuse("expected an object weight_map");
  const shards = new Map<string, Set<string>>();
  for (const [tensor, file] of Object.entries(map)) {
    // A name that leads out of the folder could be any file of this machine.
    if (typeof file !== "string" || !/^[\w.-]+$/.test(file) || !isWeights(file)) {
      return refuse(
        `weight_map: ${JSON.stringify(tensor.slice(0, 80))}: expected the name of a file of weights, got ${JSON.stringify(file ?? null).slice(0, 80)}`,
      );
    }
    const shard = join(dirname(path), file);
    shards.set(shard, (shards.get(shard) ?? new Set()).add(tensor));
  }
  return shards.size > 0 ? shards : refuse("weight_map: names no tensor");
}
