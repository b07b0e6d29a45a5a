import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ConfigError, FormatError } from "../errors.js";
import type { LazyTensor, LazyTensors } from "../vit/lazy-tensor.js";
import { openTensors } from "../vit/open-tensors.js";
import { codeOf, explainFailure, openBytes } from "./files.js";
import { chooseWeights, isWeights, isWeightsIndex, parseWeightsIndex } from "./weights-names.js";

/**
 * The file of weights, or the index of several, of a folder; a file stands for itself.
 * @throws ConfigError where there is none, or more than one and nothing says which
 */
export async function findWeights(place: string): Promise<string> {
  const facts = await stat(place).catch(() => undefined);
  if (facts?.isFile() && (isWeights(place) || isWeightsIndex(place))) return place;
  const names = await readdir(place).catch((error) => {
    const code = codeOf(error);
    if (code !== "ENOENT" && code !== "ENOTDIR") throw explainFailure(error, place, "read");
    throw new ConfigError(
      `${place}: expected a backbone's folder with config.json and model.safetensors, or a file of weights (.safetensors, .npz, .pth, .bin), got ${code === "ENOENT" ? "nothing" : "a file"}. Check the path.`,
    );
  });
  return join(place, chooseWeights(names, place));
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
  const shards = isWeightsIndex(path) ? await readIndex(path) : new Map([[path, undefined]]);
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

/** The files an index names, by their paths, with the tensors each must have. */
async function readIndex(path: string): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const text = await readFile(path, "utf8").catch((error) => {
    throw explainFailure(error, path, "read");
  });
  return new Map(Array.from(parseWeightsIndex(text, path), ([name, tensors]) => [join(dirname(path), name), tensors]));
}
