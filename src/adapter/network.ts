import { contractCrop, directResize, outputSize, parseTransform, type Transform } from "../data/transform.js";
import { FormatError } from "../errors.js";
import type { Graph } from "../graph/graph.js";
import { methodOf } from "../methods/index.js";
import type { Architecture } from "../vit/architecture.js";
import type { DataContract } from "../vit/contract.js";
import type { Adapter } from "./file.js";
import { adaptedPredictor } from "./predictor.js";

/** The network an adapter makes of its backbone. */
export interface AdaptedNetwork {
  /** With the image size and the classes the adapter was trained for. */
  readonly architecture: Architecture;
  /** What happens to an image before the network sees it. */
  readonly transform: Transform;
  /** The graph whose feeds are the adapter's tensors and `images` `uint8 [microBatch, height, width, 3]`, its output `logits`. */
  predictor(microBatch: number): Graph;
}

/**
 * The network of an adapter.
 * @param name what to call the adapter in messages
 * @throws FormatError where its transform ends in no fixed size
 */
export function adaptedNetwork(adapter: Adapter, name: string): AdaptedNetwork {
  const { classes, contract, backbone, method, options } = adapter;
  const transform = parseTransform(adapter.transform);
  const imageSize = outputSize(transform);
  if (imageSize === undefined) {
    throw new FormatError(`${name}: its transform, ${adapter.transform}, ends in no fixed size. Train it again.`);
  }
  const architecture = { ...backbone.architecture, imageSize, classes: classes.length };
  return {
    architecture,
    transform,
    predictor: (microBatch) =>
      adaptedPredictor({ architecture, normalization: contract, microBatch }, methodOf(method), options),
  };
}

/** What happens to an image before a backbone with its own head sees it, by its data contract. */
export function contractTransform({ imageSize: [size] }: Architecture, contract: DataContract): Transform {
  const filter = contract.interpolation === "bilinear" ? "bilinear" : "bicubic";
  return contract.cropMode === "squash" && contract.cropFraction === 1
    ? directResize(size, filter)
    : contractCrop(size, contract.cropFraction, filter);
}
