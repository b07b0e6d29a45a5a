import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Tensor } from "../../../src/graph/tensor.js";
import { bytesSource, readSafetensors } from "../../../src/vit/safetensors.js";

/** A golden file: its tensors and the settings `make.py` stored in its header. */
export interface Golden {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** The tensors below a prefix, without it: `init/`, `gradient/`, `final/`. */
  below(prefix: string): ReadonlyMap<string, Tensor>;
  /** One tensor. */
  get(name: string): Tensor;
}

/** A file of this folder, or of another one, by its name without ending. */
export async function readGolden(name: string, folder: "vit" | "methods" | "export" = "vit"): Promise<Golden> {
  const path = join(import.meta.dirname, "..", folder, `${name}.safetensors`);
  const { metadata, tensors } = await readSafetensors(bytesSource(path, new Uint8Array(await readFile(path))));
  return {
    settings: JSON.parse(metadata.golden ?? "{}") as Record<string, unknown>,
    tensors,
    below: (prefix) =>
      new Map([...tensors].flatMap(([key, t]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), t]] : []))),
    get(key) {
      const tensor = tensors.get(key);
      if (!tensor) throw new Error(`${path} has no ${key}`);
      return tensor;
    },
  };
}
