import { type Graph, graph, input, type Tensor, transpose, type Value, weight } from "../graph/index.js";
import type { Architecture } from "../vit/architecture.js";
import { classify, features, type Normalization } from "../vit/model.js";
import type { Adaptation } from "../vit/site.js";

/** A network with a head that is to leave this project. */
export interface Network {
  /** Its `classes` are the head's. */
  readonly architecture: Architecture;
  /** The tensors of `parametersOf(architecture)`, and those of an adapter that could not be merged. */
  readonly weights: (name: string) => Tensor;
  /** The answers of an adapter that could not be merged. */
  readonly adapt?: (value: (name: string) => Value) => Adaptation;
}

/** What the input of exported networks is called: images `[batch, channels, height, width]`, normalised. */
export const inputName = "pixel_values";

/** Of pixels that come normalised: `(x / 255 − 0) / (1 / 255) = x`. */
const normalized: Normalization = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] };

/**
 * The graph of a network for other people's runtimes: from normalised `pixel_values` to `logits`. An adapter's tensors are
 * weights like all others.
 * @param normalization of pixels that come from 0 to 255; without it they come normalised
 */
export function networkGraph(
  { architecture: a, weights, adapt }: Network,
  batch: number,
  normalization: Normalization = normalized,
): Graph {
  const pixels = input(inputName, [batch, a.channels, ...a.imageSize]);
  const values = new Map<string, Value>();
  const value = (name: string): Value => {
    const known = values.get(name) ?? weight(name, weights(name).shape);
    values.set(name, known);
    return known;
  };
  const pooled = features(a, {
    images: transpose(pixels, [0, 2, 3, 1]),
    normalization,
    ...(adapt && { adaptation: adapt(value) }),
  });
  const head = [weight("head.weight", [a.classes, a.width]), weight("head.bias", [a.classes])] as const;
  return graph("classifier", { logits: classify(pooled, ...head) });
}
