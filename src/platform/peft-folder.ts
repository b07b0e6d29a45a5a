import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Adapter } from "../adapter/file.js";
import { contractTransform } from "../adapter/network.js";
import { parsePeftConfig, peftToAdapter } from "../adapter/peft-file.js";
import { printTransform } from "../data/transform.js";
import { ConfigError } from "../errors.js";
import { elementCount } from "../graph/tensor.js";
import { fitNetwork } from "../train/network.js";
import type { Backbone } from "../vit/checkpoint.js";
import { type BackboneConfig, parseConfig } from "../vit/config.js";
import { readSafetensors, readSafetensorsHeader } from "../vit/safetensors.js";
import { explainFailure, openBytes, readIfThere } from "./files.js";
import { type LocateOptions, openLocated } from "./hub.js";

const files = { config: "adapter_config.json", tensors: "adapter_model.safetensors", network: "config.json" } as const;

/** True for a folder with an adapter of HF PEFT. */
export const isPeftFolder = async (path: string): Promise<boolean> =>
  (await stat(join(path, files.config)).catch(() => undefined))?.isFile() === true;

/**
 * The adapter in a folder of HF PEFT, and its backbone.
 * @param options its `backbone` is a folder or a name on the hub; the folder the configuration names where absent
 * @throws ConfigError where the backbone is missing
 * @throws FormatError where a file is damaged, or the adapter of a kind that is not read
 */
export async function openPeft(
  path: string,
  { backbone: given, ...options }: LocateOptions & { readonly backbone?: string | undefined },
): Promise<{ readonly adapter: Adapter; readonly backbone: Backbone }> {
  const configFile = join(path, files.config);
  const config = parsePeftConfig(await readText(configFile), configFile);
  const named = config.base_model_name_or_path ?? undefined;
  const folder = given ?? (named !== undefined && (await stat(named).catch(() => undefined)) ? named : undefined);
  if (folder === undefined) {
    throw new ConfigError(
      `${path}: the adapter needs its backbone${named === undefined ? "" : `, ${named}`}. Give its folder or its name on the hub with --backbone.`,
    );
  }
  const backbone = await openLocated(folder, options);
  const { architecture, contract, name } = backbone;
  const stated = await networkIn(path);
  const imageSize = stated?.stated.imageSize ?? architecture.imageSize;
  const source = await openBytes(join(path, files.tensors));
  try {
    const { tensors } = await readSafetensors(source);
    const adapter = peftToAdapter(config, tensors, {
      backbone: { name, hash: await backbone.hash(), architecture: { ...architecture, classes: 0 } },
      contract: { mean: contract.mean, std: contract.std },
      transform: printTransform(contractTransform({ ...architecture, imageSize }, contract)),
      weights: fitNetwork(backbone, imageSize, 0).weights,
      classNames: stated?.contract.classNames ?? contract.classNames,
      file: source.name,
    });
    return { adapter, backbone };
  } finally {
    await source.close();
  }
}

/**
 * What an adapter of HF PEFT says of itself, in plain values; its backbone is not needed.
 * @throws FormatError where a file is damaged, or the adapter of a kind that is not read
 */
export async function describePeft(path: string): Promise<Readonly<Record<string, unknown>>> {
  const configFile = join(path, files.config);
  const config = parsePeftConfig(await readText(configFile), configFile);
  const network = await networkIn(path);
  const source = await openBytes(join(path, files.tensors));
  try {
    const { tensors } = await readSafetensorsHeader(source);
    const shapes = [...tensors].map(([name, { shape }]) => [name, shape] as const);
    const count = (isCounted: (name: string) => boolean): number =>
      shapes.reduce((sum, [name, shape]) => sum + (isCounted(name) ? elementCount(shape) : 0), 0);
    return {
      format: "HF PEFT",
      method: "lora",
      rank: config.r,
      alpha: config.lora_alpha,
      isRankStabilized: config.use_rslora,
      hasBias: config.lora_bias,
      backbone: config.base_model_name_or_path ?? null,
      parameters: count((name) => name.includes(".lora_")),
      headParameters: count((name) => name.includes("classifier")),
      imageSize: network?.stated.imageSize ?? null,
      classes: network?.contract.classNames ?? [],
      tensors: Object.fromEntries(shapes),
    };
  } finally {
    await source.close();
  }
}

/** What a `config.json` beside the adapter says of its network, where there is one: names of the classes, image size. */
async function networkIn(path: string): Promise<BackboneConfig | undefined> {
  const file = join(path, files.network);
  const text = await readIfThere(file);
  return text === undefined ? undefined : parseConfig(text, file);
}

const readText = (file: string): Promise<string> =>
  readFile(file, "utf8").catch((error) => {
    throw explainFailure(error, file, "read");
  });
