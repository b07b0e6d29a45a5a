import { stream } from "../data/random.js";
import { applyTransform, type Transform } from "../data/transform.js";
import { type Candidate, candidatesOf } from "../evaluate/candidates.js";
import { probabilitiesOf } from "../evaluate/metrics.js";
import { type Tensor, tensor } from "../graph/tensor.js";
import type { Feed } from "../run/executor.js";
import { decodeWebImage, type WebImage } from "./image.js";

/** A network in a page that is ready to answer. */
export interface Classifier {
  /** Names of the classes, in the order of the head. */
  readonly classes: readonly string[];
  /**
   * The classes an image may show, best first.
   * @param topK how many; default 5
   * @throws FormatError where the browser cannot decode the image
   */
  predict(image: WebImage, options?: { readonly topK?: number }): Promise<readonly Candidate[]>;
  close(): Promise<void>;
}

/** What a classifier is made of. */
export interface ClassifierParts {
  /** Runs the graph on one image's pixels `uint8 [1, height, width, 3]`; among its outputs are `logits` `[1, classes]`. */
  readonly run: (image: Tensor<"uint8">) => Promise<Readonly<Record<string, Feed>>>;
  readonly classes: readonly string[];
  readonly transform: Transform;
  readonly close: () => Promise<void>;
}

/** A classifier over a loaded graph. */
export const openClassifier = ({ run, classes, transform, close }: ClassifierParts): Classifier => ({
  classes,
  async predict(image, { topK = 5 } = {}) {
    const pixels = await decodeWebImage(image);
    const { width, height, data } = applyTransform(transform.slice(1), pixels, stream(0));
    const { logits } = await run(tensor("uint8", [1, height, width, 3], data));
    const values = (logits as Tensor<"float32">).data;
    return candidatesOf(probabilitiesOf(values, values.length), classes, topK);
  },
  close,
});
