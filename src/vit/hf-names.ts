import { type Shape, type Tensor, tensor } from "../graph/tensor.js";

/** How HF transformers names a ViT's modules: as before its version 5, which reads both, or as since. */
export const hfVersions = ["v4", "v5"] as const;
export type HfVersion = (typeof hfVersions)[number];

/** Modules of a block by their names in timm; QKV is three of them. */
const modules: Readonly<Record<HfVersion, Readonly<Record<string, string>>>> = {
  v4: {
    block: "encoder.layer",
    norm1: "layernorm_before",
    norm2: "layernorm_after",
    "attn.q": "attention.attention.query",
    "attn.k": "attention.attention.key",
    "attn.v": "attention.attention.value",
    "attn.proj": "attention.output.dense",
    "mlp.fc1": "intermediate.dense",
    "mlp.fc2": "output.dense",
  },
  v5: {
    block: "layers",
    norm1: "layernorm_before",
    norm2: "layernorm_after",
    "attn.q": "attention.q_proj",
    "attn.k": "attention.k_proj",
    "attn.v": "attention.v_proj",
    "attn.proj": "attention.o_proj",
    "mlp.fc1": "mlp.fc1",
    "mlp.fc2": "mlp.fc2",
  },
};

/** The module that holds class token, position and patch embeddings. */
export const embeddingsModule = "vit.embeddings";

const outside: Readonly<Record<string, string>> = {
  cls_token: `${embeddingsModule}.cls_token`,
  pos_embed: `${embeddingsModule}.position_embeddings`,
  "patch_embed.proj": `${embeddingsModule}.patch_embeddings.projection`,
  norm: "vit.layernorm",
  head: "classifier",
};

/** The name of a part inside a block of HF's ViT: `"attn.q"` is `attention.q_proj`. */
export function hfPart(part: string, version: HfVersion): string {
  const name = modules[version][part];
  if (name === undefined) throw new Error(`HF's ViT has no ${part}`);
  return name;
}

/** The module of a block in HF's ViT: `(0, "attn.q")` is `vit.layers.0.attention.q_proj`. */
export const hfModule = (block: number, part: string, version: HfVersion): string =>
  `vit.${hfPart("block", version)}.${block}.${hfPart(part, version)}`;

/** The part of a block that a module of HF's ViT is, by either of its names; undefined for any other module. */
export function blockPartOf(path: string): { readonly block: number; readonly part: string } | undefined {
  for (const names of Object.values(modules)) {
    const [, block, name] = new RegExp(`^vit\\.${names.block?.replace(".", "\\.")}\\.(\\d+)\\.(.+)$`).exec(path) ?? [];
    const part = Object.keys(names).find((key) => key !== "block" && names[key] === name);
    if (block !== undefined && part !== undefined) return { block: Number(block), part };
  }
  return undefined;
}

/** A tensor of the embeddings by its name in HF: `vit.embeddings.cls_token` is `cls_token`; undefined for any other tensor. */
export function embeddingOf(name: string): string | undefined {
  if (!name.startsWith(`${embeddingsModule}.`)) return undefined;
  const [, path = "", kind = ""] = /^(.+?)(\.weight|\.bias|)$/.exec(name) ?? [];
  const own = Object.keys(outside).find((key) => outside[key] === path);
  return own && own + kind;
}

/** The tensors of a network under HF's names, q, k and v apart. @param tensors under canonical names */
export function toHfNames(
  tensors: Iterable<readonly [string, Tensor]>,
  version: HfVersion,
): ReadonlyMap<string, Tensor> {
  const renamed = new Map<string, Tensor>();
  for (const [name, found] of tensors) {
    const [, index, part, kind] = /^blocks\.(\d+)\.(.+)\.(weight|bias)$/.exec(name) ?? [];
    if (index === undefined || part === undefined) {
      const dot = name.lastIndexOf(".");
      const whole = outside[name];
      renamed.set(whole ?? `${outside[name.slice(0, dot)]}${name.slice(dot)}`, found);
    } else if (part === "attn.qkv") {
      for (const [third, letter] of ["q", "k", "v"].entries()) {
        renamed.set(`${hfModule(Number(index), `attn.${letter}`, version)}.${kind}`, thirdOf(found, third));
      }
    } else renamed.set(`${hfModule(Number(index), part, version)}.${kind}`, found);
  }
  return renamed;
}

/** One of three equal parts along the first axis. */
export function thirdOf(whole: Tensor, third: number): Tensor {
  const [rows = 0, ...rest] = whole.shape;
  const length = whole.data.length / 3;
  const shape: Shape = [rows / 3, ...rest];
  return tensor("float32", shape, (whole.data as Float32Array).subarray(third * length, (third + 1) * length));
}
