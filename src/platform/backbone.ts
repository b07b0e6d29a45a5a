import { readFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { Architecture } from "../vit/architecture.js";
import { type Backbone, loadCheckpoint, type Outline, outlineCheckpoint, type Weights } from "../vit/checkpoint.js";
import { type BackboneConfig, parseConfig, printConfig } from "../vit/config.js";
import type { DataContract } from "../vit/contract.js";
import { defined } from "../vit/derive.js";
import { parsePreprocessor } from "../vit/hugging-face-config.js";
import { safetensorsChunks } from "../vit/safetensors.js";
import { codeOf, explainFailure, makeFolder, writeAtomically } from "./files.js";
import { cachedHash } from "./hash-cache.js";
import { findWeights, type Weights as OpenWeights, openWeights } from "./weights-files.js";

/**
 * The network of a folder that holds weights and `config.json` (timm's or Hugging Face's, with its
 * `preprocessor_config.json`), or of a file of weights, beside which they are looked for too. Weights are one file or several with
 * an index, in safetensors, `.npz`, or torch's format; they are read tensor by tensor, as float32 in memory that threads can share.
 * @throws ConfigError where the folder or its weights are missing
 * @throws FormatError where a file is damaged, of a format that is not read, or contradicts the other
 */
export const openBackbone = (place: string): Promise<Backbone> =>
  withTensors(place, async ({ tensors, version }, config, path) => {
    const checkpoint = await loadCheckpoint(tensors, config, path, shared);
    const { architecture, weights } = checkpoint;
    let hash: Promise<string> | undefined;
    return {
      ...checkpoint,
      name: architecture.name ?? nameOf(place, path),
      hash: () => (hash ??= cachedHash(resolve(path), version, architecture, weights)),
    };
  });

/** What a folder or file holds that `openBackbone` reads, from its headers alone. @throws as `openBackbone` */
export const outlineBackbone = (place: string): Promise<Outline & Pick<Backbone, "name">> =>
  withTensors(place, async ({ tensors }, config, path) => {
    const outline = outlineCheckpoint(tensors, config, path);
    return { ...outline, name: outline.architecture.name ?? nameOf(place, path) };
  });

/** What `read` makes of the tensors of a folder or file and of the configuration beside them. */
async function withTensors<T>(
  place: string,
  read: (weights: OpenWeights, config: BackboneConfig | undefined, path: string) => Promise<T>,
): Promise<T> {
  const path = await findWeights(place);
  const folder = dirname(path);
  const configPath = join(folder, "config.json");
  const preprocessorPath = join(folder, "preprocessor_config.json");
  const [text, preprocessor] = await Promise.all([readIfThere(configPath), readIfThere(preprocessorPath)]);
  const config = configOf({ text, path: configPath }, { text: preprocessor, path: preprocessorPath });
  const weights = await openWeights(path);
  try {
    return await read(weights, config, path);
  } finally {
    await weights.close();
  }
}

/** What the texts beside a file of weights say, where there are any. @throws FormatError where one is damaged */
export function configOf(
  config: { readonly text: string | undefined; readonly path: string },
  preprocessor: { readonly text: string | undefined; readonly path: string },
): BackboneConfig | undefined {
  const stated = config.text === undefined ? undefined : parseConfig(config.text, config.path);
  const prepared = preprocessor.text === undefined ? {} : parsePreprocessor(preprocessor.text, preprocessor.path);
  // timm's config says more of the images than Hugging Face's, so what it says stands.
  const contract = { ...defined(prepared), ...defined(stated?.contract ?? {}) };
  return stated ? { ...stated, contract } : preprocessor.text === undefined ? undefined : { stated: {}, contract };
}

/** Memory that worker threads read where it lies. */
const shared = (count: number): Float32Array => new Float32Array(new SharedArrayBuffer(4 * count));

/** A folder's name, or a file's without its ending. */
const nameOf = (place: string, path: string): string =>
  resolve(place) === resolve(path) ? basename(path).replace(/\.[a-z]+$/, "") : basename(resolve(place));

const readIfThere = (path: string): Promise<string | undefined> =>
  readFile(path, "utf8").catch((error) => {
    if (codeOf(error) === "ENOENT") return undefined;
    throw explainFailure(error, path, "read");
  });

/**
 * Writes a network as a folder that `openBackbone` reads, and timm too.
 * @throws RuntimeUnavailableError where the disk is full
 */
export async function writeBackbone(
  folder: string,
  network: { readonly architecture: Architecture; readonly contract: DataContract; readonly weights: Weights },
): Promise<void> {
  await makeFolder(folder);
  const chunks = safetensorsChunks({ metadata: { format: "pt" }, tensors: network.weights });
  await writeAtomically(join(folder, "model.safetensors"), chunks);
  await writeAtomically(join(folder, "config.json"), printConfig(network.architecture, network.contract));
}
