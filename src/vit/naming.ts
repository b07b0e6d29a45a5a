import type { DType, Shape } from "../graph/tensor.js";
import type { Activation } from "./architecture.js";
import type { Pretraining } from "./contract.js";
import { type Arrangement, arrangedShape } from "./layout.js";
import { namingSchemes } from "./naming-schemes.js";

/** What is known of a stored tensor before it is read. */
export interface Stored {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** Where a stored tensor belongs. */
export interface Place {
  /** The canonical name. */
  readonly name: string;
  /** For one of several that lie one behind the other in the canonical tensor (q, k, v): which. */
  readonly part?: number;
  /** How its numbers are seen and ordered to lie as in the canonical tensor; absent where they do. */
  readonly arrangement?: (shape: Shape) => Arrangement | undefined;
}

/** How one family of checkpoints names and lays out the tensors of a ViT. */
export interface NamingScheme {
  /** Whose names these are, for messages. */
  readonly name: string;
  /** A tensor that only checkpoints of this scheme have. */
  readonly mark: string;
  /** Tensors of the scheme that our networks have no use for, so that they are no mistake: a text tower, a mask token. */
  readonly unneeded: RegExp;
  /** Where a tensor belongs; undefined where the scheme does not know it. */
  place(name: string): Place | undefined;
  /** What such a network has unless something says otherwise. */
  readonly eps?: number;
  readonly activation?: Activation;
  readonly pretraining?: Pretraining;
  /** The number of heads, where shapes tell it. */
  heads?(shapes: ReadonlyMap<string, Shape>): number | undefined;
}

/** A stored tensor that goes into a canonical one. */
export interface Piece {
  readonly from: string;
  readonly part: number;
  /** Shape after the arrangement. */
  readonly shape: Shape;
  readonly arrangement?: Arrangement;
  /** The elements, after the arrangement, that are taken; absent for all. */
  readonly range?: readonly [start: number, end: number];
}

/** A set of tensors understood. */
export interface Recognition {
  readonly scheme: NamingScheme;
  /** What each canonical tensor is made of, in the order of the parts. */
  readonly pieces: ReadonlyMap<string, readonly Piece[]>;
  readonly heads: number | undefined;
  /** Tensors nobody needs, under their names in the file. */
  readonly unneeded: readonly string[];
  /** Tensors that have no place, under their names in the file. */
  readonly strange: readonly string[];
}

/** Put in front of every name, or of the image tower's, by the code that trained or saved the network. */
const prefixes = [
  "module.",
  "model.",
  "backbone.",
  "vit.",
  "deit.",
  "dinov2_with_registers.",
  "dinov2.",
  "visual.",
  "trunk.",
  "clip.",
  "vision_model.",
  "opt/target/",
  "params/",
  "img/",
];

/**
 * The scheme a set of names follows, with what wrappers put in front of the names taken off, and where everything
 * belongs; undefined where no scheme fits.
 */
export function recognize(stored: ReadonlyMap<string, Stored>): Recognition | undefined {
  const names = new Map([...stored.keys()].map((name) => [name, name]));
  const found = undress(names, new Map());
  if (!found) return undefined;
  const { scheme, inner, outer } = found;
  const pieces = new Map<string, Piece[]>();
  const unneeded: string[] = [];
  const strange: string[] = [];
  const sort = (name: string, from: string): void => {
    const place = scheme.place(name);
    const { shape } = stored.get(from) as Stored;
    const arrangement = place?.arrangement?.(shape);
    const piece: Piece = {
      from,
      part: place?.part ?? 0,
      shape: arrangement ? arrangedShape(arrangement) : shape,
      ...(arrangement && { arrangement }),
    };
    const others = place ? (pieces.get(place.name) ?? []) : [];
    if (!place || others.some(({ part }) => part === piece.part)) strange.push(from);
    else
      pieces.set(
        place.name,
        [...others, piece].sort((a, b) => a.part - b.part),
      );
  };
  for (const [name, from] of inner) {
    if (scheme.unneeded.test(name)) unneeded.push(from);
    else sort(name, from);
  }
  for (const [name, from] of outer) {
    if (scheme.unneeded.test(name) || isOutside.test(name)) unneeded.push(from);
    else sort(name, from);
  }
  const shapes = new Map([...inner].map(([name, from]) => [name, (stored.get(from) as Stored).shape]));
  return { scheme, pieces, heads: scheme.heads?.(shapes), unneeded, strange };
}

/** What stands beside an image tower: CLIP's text tower and temperature, an optimizer's state, DINO's own heads. */
const isOutside =
  /^(text_model\.|text_projection|logit_scale|logit_bias|transformer\.|token_embedding\.|positional_embedding$|ln_final\.|attn_mask$|(input_resolution|context_length|vocab_size)$|opt\/(state|extra)|head\.(mlp|last_layer)\.|dino_(head|loss)|ibot_|decoder)/;

interface Undressed {
  readonly scheme: NamingScheme;
  /** Names without prefix, and those in the file. */
  readonly inner: ReadonlyMap<string, string>;
  /** Names that did not have the prefix of the others. */
  readonly outer: ReadonlyMap<string, string>;
}

function undress(
  inner: ReadonlyMap<string, string>,
  outer: ReadonlyMap<string, string>,
  depth = 0,
): Undressed | undefined {
  const scheme = namingSchemes.find(({ mark }) => inner.has(mark));
  if (scheme) return { scheme, inner, outer };
  if (depth === 4) return undefined;
  for (const prefix of prefixes) {
    const [within, beside] = [new Map<string, string>(), new Map(outer)];
    for (const [name, from] of inner) {
      if (name.startsWith(prefix)) within.set(name.slice(prefix.length), from);
      else beside.set(name, from);
    }
    const found = within.size > 0 ? undress(within, beside, depth + 1) : undefined;
    if (found) return found;
  }
  return undefined;
}
