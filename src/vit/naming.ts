import type { Tensor } from "../graph/tensor.js";

/** Tensors by name, as a file has them or as we call them. */
export type Tensors = ReadonlyMap<string, Tensor>;

/** How one family of checkpoints names and lays out the tensors of a ViT. */
export interface NamingScheme {
  readonly name: string;
  /** A tensor that only checkpoints of this scheme have. */
  readonly mark: string;
  /** Tensors of the scheme that our networks have no use for, so that they are no mistake: a text tower, a mask token. */
  readonly unneeded: RegExp;
  /** The same tensors under timm's names and in timm's layout. */
  translate(tensors: Tensors): Tensors;
}

/** All schemes that are read; a further one is one more entry. */
export const namingSchemes: readonly NamingScheme[] = [
  { name: "timm", mark: "patch_embed.proj.weight", unneeded: /^mask_token$/, translate: (tensors) => tensors },
];

/** Put in front of every name by the code that trained or saved the network. */
const prefixes = ["module.", "model.", "backbone."];

/** The scheme a file follows, with what its wrappers put in front of the names taken off; undefined where none fits. */
export function recognize(tensors: Tensors): { scheme: NamingScheme; tensors: Tensors } | undefined {
  const scheme = namingSchemes.find(({ mark }) => tensors.has(mark));
  if (scheme) return { scheme, tensors };
  const names = [...tensors.keys()];
  const prefix = prefixes.find((p) => names.length > 0 && names.every((name) => name.startsWith(p)));
  return prefix ? recognize(new Map([...tensors].map(([name, t]) => [name.slice(prefix.length), t]))) : undefined;
}
