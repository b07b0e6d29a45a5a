import { mkdir, readdir, readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { ConfigError, FormatError } from "../errors.js";
import type { Architecture } from "../vit/architecture.js";
import { type Backbone, readCheckpoint, type Weights } from "../vit/checkpoint.js";
import { parseConfig, printConfig } from "../vit/config.js";
import type { DataContract } from "../vit/contract.js";
import { readSafetensors, safetensorsChunks } from "../vit/safetensors.js";
import { codeOf, explainFailure, openBytes, writeAtomically } from "./files.js";
import { cachedHash } from "./hash-cache.js";

/**
 * The network in a folder that holds `config.json` and `model.safetensors` (or another single safetensors file). The
 * weights are views over one buffer the file was read into.
 * @throws ConfigError where the folder or its weights are missing
 * @throws FormatError where a file is damaged, of a format that is not read, or contradicts the other
 */
export async function openBackbone(folder: string): Promise<Backbone> {
  const path = join(folder, await weightsFile(folder));
  const configPath = join(folder, "config.json");
  const text = await readFile(configPath, "utf8").catch((error) => {
    if (codeOf(error) === "ENOENT") return undefined;
    throw explainFailure(error, configPath, "read");
  });
  const config = text === undefined ? undefined : parseConfig(text, configPath);
  const file = await openBytes(path);
  try {
    const { tensors } = await readSafetensors(file);
    const checkpoint = readCheckpoint(tensors, config, path);
    const { architecture, weights } = checkpoint;
    let hash: Promise<string> | undefined;
    return {
      ...checkpoint,
      name: architecture.name ?? basename(resolve(folder)),
      hash: () => (hash ??= cachedHash(resolve(path), file.version, architecture, weights)),
    };
  } finally {
    await file.close();
  }
}

/**
 * Writes a network as a folder that `openBackbone` reads, and timm too.
 * @throws RuntimeUnavailableError where the disk is full
 */
export async function writeBackbone(
  folder: string,
  network: { readonly architecture: Architecture; readonly contract: DataContract; readonly weights: Weights },
): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((error) => {
    throw explainFailure(error, folder, "write");
  });
  const chunks = safetensorsChunks({ metadata: { format: "pt" }, tensors: network.weights });
  await writeAtomically(join(folder, "model.safetensors"), chunks);
  await writeAtomically(join(folder, "config.json"), printConfig(network.architecture, network.contract));
}

/** The file in a backbone's folder that holds the weights. */
async function weightsFile(folder: string): Promise<string> {
  const names = await readdir(folder).catch((error) => {
    const code = codeOf(error);
    if (code !== "ENOENT" && code !== "ENOTDIR") throw explainFailure(error, folder, "read");
    throw new ConfigError(
      `${folder}: expected a backbone's folder with config.json and model.safetensors, got ${code === "ENOENT" ? "nothing" : "a file"}. Check the path.`,
    );
  });
  if (names.includes("model.safetensors")) return "model.safetensors";
  const candidates = names.filter((name) => name.endsWith(".safetensors")).sort();
  const [single] = candidates;
  if (single !== undefined && candidates.length === 1) return single;
  if (single !== undefined) {
    throw new ConfigError(
      `${folder}: expected one .safetensors file, got ${candidates.length} (${candidates.slice(0, 3).join(", ")}). Rename the one to use to model.safetensors.`,
    );
  }
  const foreign = names.find((name) => /\.(bin|pth|pt|npz|ckpt|h5|msgpack)$/.test(name));
  if (foreign !== undefined) {
    throw new FormatError(
      `${join(folder, foreign)}: this format is not read yet. Save the weights as model.safetensors.`,
    );
  }
  throw new ConfigError(`${folder}: expected model.safetensors, there is none. Check the path.`);
}
