import { stream } from "../data/random.js";
import { directResize, outputSize, parseTransform, splitAtRandom, type Transform } from "../data/transform.js";
import { ConfigError } from "../errors.js";
import type { TrainConfig } from "../train/config.js";
import { architectureNames, architectureOf } from "../vit/architecture.js";
import type { Backbone, Outline } from "../vit/checkpoint.js";
import { completeContract } from "../vit/contract.js";
import { randomWeights } from "../vit/random-weights.js";
import { openBackbone, outlineBackbone } from "./backbone.js";
import { isThere } from "./files.js";

/**
 * The network a training starts from: the pretrained one of a folder, or one with random weights, of a folder's or a
 * named architecture.
 */
export async function openStart(config: TrainConfig): Promise<Backbone> {
  const { backbone, init, seed } = config;
  if (init === "pretrained") {
    await refuseBareName(config);
    return openBackbone(backbone);
  }
  const { architecture, contract, name } = await outlineStart(config);
  const weights = randomWeights(architecture, (tensor) => stream(seed, "weights", tensor).normal);
  return { architecture, contract, name, weights, unused: [], warnings: [], hash: async () => `random-${seed}` };
}

/** What `openStart` would open, without reading or drawing a weight. */
export async function outlineStart(config: TrainConfig): Promise<StartOutline> {
  const { backbone, init } = config;
  await refuseBareName(config);
  const isPlace = await isThere(backbone);
  if (init === "pretrained") return outlineBackbone(backbone);
  const { architecture, contract, name } = isPlace ? await outlineBackbone(backbone) : named(backbone);
  return { architecture, contract, name, unused: [], warnings: [] };
}

/** A start without its weights. */
export type StartOutline = Outline & Pick<Backbone, "name">;

async function refuseBareName({ backbone, init }: TrainConfig): Promise<void> {
  if (init !== "pretrained" || !architectureNames.includes(backbone) || (await isThere(backbone))) return;
  throw new ConfigError(
    `backbone: ${backbone} is an architecture without weights. Give a folder with weights, or --method full --init random.`,
  );
}

function named(name: string): Pick<Backbone, "architecture" | "contract" | "name"> {
  const architecture = architectureOf(name);
  return { architecture, contract: completeContract({}, architecture.imageSize).contract, name };
}

/** What happens to images while training and otherwise, and the size both end in. */
export interface Transforms {
  readonly train: Transform;
  readonly evaluation: Transform;
  readonly imageSize: readonly [height: number, width: number];
}

/**
 * The transforms of a configuration; what it leaves open is a direct resize to the network's size.
 * @throws ConfigError where they end in different sizes, or evaluation would be random
 */
export function transformsOf(
  { transform, evalTransform, imageSize }: TrainConfig,
  own: readonly [height: number, width: number],
): Transforms {
  const given = [transform, evalTransform].map((sentence) =>
    sentence === undefined ? undefined : parseTransform(sentence),
  );
  const unsteady = given[1] && splitAtRandom(given[1]).random[0];
  if (unsteady) {
    throw new ConfigError(
      `evalTransform "${evalTransform}": expected steps that are the same every time, got the random ${unsteady.name}. Leave it to transform, which is for training.`,
    );
  }
  const sizes = given.map((steps) => (steps ? outputSize(steps) : undefined));
  const size = imageSize === undefined ? sizes[1] || sizes[0] || own : ([imageSize, imageSize] as const);
  for (const [i, sentence] of [transform, evalTransform].entries()) {
    if (sentence !== undefined && sizes[i]?.join() !== size.join()) {
      throw new ConfigError(
        `transform "${sentence}": expected it to end in ${size.join(" x ")} pixels, got ${sizes[i]?.join(" x ") ?? "a size that depends on the image"}. End it with a resize or a center-crop of that size.`,
      );
    }
  }
  const [height, width] = size;
  const direct: Transform = [...directResize(1).slice(0, 1), { name: "resize", height, width, filter: "bicubic" }];
  return { train: given[0] ?? direct, evaluation: given[1] ?? direct, imageSize: size };
}
