import { type Graph, graph } from "../graph/graph.js";
import { input, weight } from "../graph/value.js";
import type { AnyMethod } from "../methods/index.js";
import type { Architecture } from "../vit/architecture.js";
import { classify, features, type Normalization } from "../vit/model.js";

/** Which images a prediction is made from, and how they are shifted and scaled. */
export interface PredictorOptions {
  readonly architecture: Architecture;
  readonly normalization: Normalization;
  /** Images per run. */
  readonly microBatch: number;
}

/** The graph of an adapted network: feeds are the adapter's tensors and `images`, the output is `logits`. */
export function adaptedPredictor(
  { architecture: a, normalization, microBatch }: PredictorOptions,
  method: AnyMethod,
  options: Readonly<Record<string, unknown>>,
): Graph {
  const head = { weight: input("head.weight", [a.classes, a.width]), bias: input("head.bias", [a.classes]) };
  const values = new Map(method.parameters(a, options).map(({ name, shape }) => [name, input(name, shape)]));
  const adaptation = method.adapt(a, options, (name) => {
    const value = values.get(name);
    if (value === undefined) throw new Error(`method ${method.name} has no parameter ${name}`);
    return value;
  });
  const images = input("images", [microBatch, ...a.imageSize, a.channels], "uint8");
  const x = features(a, { images, normalization, adaptation });
  return graph("predict", { logits: classify(x, head.weight, head.bias) });
}

/** The graph of a backbone with its own head: the feed is `images`, the output is `logits`. */
export function plainPredictor({ architecture: a, normalization, microBatch }: PredictorOptions): Graph {
  const images = input("images", [microBatch, ...a.imageSize, a.channels], "uint8");
  const x = features(a, { images, normalization });
  const head = { weight: weight("head.weight", [a.classes, a.width]), bias: weight("head.bias", [a.classes]) };
  return graph("predict", { logits: classify(x, head.weight, head.bias) });
}
