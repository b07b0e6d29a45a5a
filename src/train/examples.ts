import type { Loader } from "../data/loader.js";
import { type Tensor, tensor } from "../graph/tensor.js";
import { answerRows, type Team } from "./rows.js";

/** Labelled rows for a graph: images, or features computed from them. */
export interface ExampleBatch {
  /** Place of the batch in its epoch, from 0. */
  readonly step: number;
  /** Images `uint8 [batch, height, width, 3]` or features `[batch, width]`. */
  readonly rows: Tensor;
  /** Class of each row. */
  readonly labels: Int32Array;
  /** Place of each row in the data set. */
  readonly indices: Int32Array;
  /** Where two images are mixed into each row. */
  readonly second?: SecondLabels | undefined;
}

/** The classes of a batch's second images, and how much of each row they are: in [0, 1], the first ones the rest. */
export interface SecondLabels {
  readonly labels: Int32Array;
  readonly share: number;
}

/** One split as the loop sees it. */
export interface Examples {
  readonly count: number;
  /** The batches of a training epoch, counted from 0, from batch `from` on. */
  epoch(epoch: number, from: number): AsyncGenerator<ExampleBatch, void>;
  /** All examples in their own order, without random changes. */
  inOrder(): AsyncGenerator<ExampleBatch, void>;
}

/** The images of a loader. */
export function imageExamples(loader: Loader): Examples {
  async function* rows(source: ReturnType<Loader["inOrder"]>): AsyncGenerator<ExampleBatch, void> {
    for await (const { step, images, shape, labels, indices } of source) {
      yield { step, rows: tensor("uint8", shape, images), labels, indices };
    }
  }
  return {
    count: loader.count,
    epoch: (epoch, from) => rows(loader.epoch(epoch, from)),
    inOrder: () => rows(loader.inOrder()),
  };
}

/** What features are computed with and how they are drawn. */
export interface FeatureOptions {
  /** Answers images with features. */
  readonly team: Team;
  /** The images of every batch of an epoch. */
  readonly batchesOf: (epoch: number) => readonly Int32Array[];
  /** True where the images change from epoch to epoch; then their features cannot be kept. */
  readonly isRandom: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** The features of images, each computed once. */
export function featureExamples(images: Examples, options: FeatureOptions): Examples {
  const { team, batchesOf, isRandom, signal } = options;
  async function* compute(source: AsyncGenerator<ExampleBatch, void>): AsyncGenerator<ExampleBatch, void> {
    for await (const batch of source) {
      const data = await answerRows(team, batch.rows, signal);
      const count = batch.labels.length;
      yield { ...batch, rows: tensor("float32", [count, data.length / count], data) };
    }
  }
  async function all(): Promise<readonly ExampleBatch[]> {
    const found: ExampleBatch[] = [];
    for await (const batch of compute(images.inOrder())) found.push(batch);
    return found;
  }
  let kept: ReturnType<typeof all> | undefined;
  const keep = () => {
    kept ??= all();
    return kept;
  };
  async function* drawn(epoch: number, from: number): AsyncGenerator<ExampleBatch, void> {
    const places = new Map<number, { readonly row: Float32Array; readonly label: number }>();
    let width = 0;
    for (const { rows, labels, indices } of await keep()) {
      width = rows.shape[1] as number;
      indices.forEach((index, i) => {
        const row = (rows.data as Float32Array).subarray(i * width, (i + 1) * width);
        places.set(index, { row, label: labels[i] as number });
      });
    }
    for (const [step, all] of batchesOf(epoch).entries()) {
      const indices = all.filter((index) => places.has(index));
      if (step < from || indices.length === 0) continue;
      const data = new Float32Array(indices.length * width);
      const labels = new Int32Array(indices.length);
      indices.forEach((index, i) => {
        const place = places.get(index);
        data.set(place?.row ?? [], i * width);
        labels[i] = place?.label ?? 0;
      });
      yield { step, rows: tensor("float32", [indices.length, width], data), labels, indices };
    }
  }
  return {
    count: images.count,
    epoch: (epoch, from) => (isRandom ? compute(images.epoch(epoch, from)) : drawn(epoch, from)),
    async *inOrder() {
      yield* await keep();
    },
  };
}

/**
 * Targets with label smoothing, `t = (1 − ε)·onehot + ε/classes`, `[size, classes]`; rows beyond the labels are zero. Of two
 * mixed images the targets are mixed in the same way.
 * @see Szegedy et al., Rethinking the Inception Architecture for Computer Vision, 2016, section 7
 */
export function smoothTargets(
  labels: Int32Array,
  size: number,
  classes: number,
  smoothing: number,
  second?: SecondLabels,
): Tensor {
  const [off, on] = [smoothing / classes, 1 - smoothing + smoothing / classes];
  const data = new Float32Array(size * classes).fill(off, 0, labels.length * classes);
  labels.forEach((label, row) => {
    const other = second?.labels[row] ?? label;
    const share = other === label ? 0 : (second?.share ?? 0);
    data[row * classes + other] = share * on + (1 - share) * off;
    data[row * classes + label] = (1 - share) * on + share * off;
  });
  return tensor("float32", [size, classes], data);
}

/** Weights `[size]` of a micro-batch: what its images count, and 0 for the rows that only fill it up. */
export function exampleWeights(size: number, counts: Float64Array): Tensor {
  const data = new Float32Array(size);
  data.set(counts);
  return tensor("float32", [size], data);
}
