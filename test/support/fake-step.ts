import type { Batch, Loader } from "../../src/data/loader.js";
import { batches, batchesInOrder } from "../../src/data/sampler.js";
import type { Graph } from "../../src/graph/graph.js";
import { elementCount, type Shape, type Tensor, tensor, zeros } from "../../src/graph/tensor.js";
import { input } from "../../src/graph/value.js";
import type { Executor, Feed, Resident, Session } from "../../src/run/executor.js";
import type { TrainingStep } from "../../src/train/step.js";

/** A softmax classifier over three pixel values, trained with momentum, written by hand as plain functions. */
export const classes = 3;
const shape: Shape = [classes, 3];

const graphOf = (name: string, inputs: Record<string, Shape>): Graph => ({
  name,
  inputs: Object.entries(inputs).map(([key, size]) => input(key, size)),
  weights: [],
  nodes: [],
  outputs: {},
});

export function fakeStep(microBatch: number, withFeatures = false): TrainingStep {
  const images: Record<string, Shape> = { images: [microBatch, 1, 1, 3] };
  const features: Record<string, Shape> = { features: [microBatch, 3] };
  const trained = { w: shape };
  const seen = withFeatures ? features : images;
  return {
    parameters: [{ name: "w", shape, group: "head", initial: "backbone" }],
    microBatch,
    masks: [],
    takes: withFeatures ? "features" : "images",
    initial: (normal) => {
      const draw = normal("w");
      return { w: tensor("float32", shape, Float32Array.from({ length: 9 }, draw)) };
    },
    initialState: () => ({ "state/w": zeros("float32", shape) }),
    zeroSums: () => ({ "sums/w": zeros("float32", shape) }),
    accumulate: graphOf("accumulate", { ...seen, ...trained, "sums/w": shape, targets: [], weights: [] }),
    update: graphOf("update", { ...trained, "sums/w": shape, "state/w": shape, lr: [] }),
    predict: graphOf("predict", { ...seen, ...trained }),
    ...(withFeatures && { features: graphOf("features", images) }),
  };
}

/** Counts what is loaded, run and resident, so that leaks and forbidden looks can be seen. */
export class FakeExecutor implements Executor {
  readonly target = "reference";
  readonly residents = new Map<number, Tensor>();
  readonly runs: string[] = [];
  open = 0;
  #next: number;

  /** @param firstId so that tensors of different executors cannot be taken for one another */
  constructor(firstId = 0) {
    this.#next = firstId;
  }

  async load({ name }: Graph): Promise<Session> {
    this.open++;
    const run = async (feeds: Readonly<Record<string, Feed>>, keep: readonly string[] = []) => {
      this.runs.push(name);
      const get = (key: string): Tensor => {
        const feed = feeds[key];
        if (feed === undefined) throw new Error(`${name}: no ${key}`);
        if (!("resident" in feed)) return feed;
        const found = this.residents.get(feed.resident);
        if (!found) throw new Error(`${name}: ${key} was released`);
        return found;
      };
      const outputs: Record<string, Tensor | Resident> = graphs[name as keyof typeof graphs](get, Object.keys(feeds));
      for (const key of keep) {
        const value = outputs[key] as Tensor;
        this.residents.set(++this.#next, value);
        outputs[key] = { resident: this.#next, dtype: value.dtype, shape: value.shape };
      }
      return outputs;
    };
    return { run: run as Session["run"], close: async () => void this.open-- };
  }
  async upload(value: Tensor): Promise<Resident> {
    this.residents.set(++this.#next, value);
    return { resident: this.#next, dtype: value.dtype, shape: value.shape };
  }
  async read({ resident }: Resident): Promise<Tensor> {
    return this.residents.get(resident) as Tensor;
  }
  async release(residents: readonly Resident[]): Promise<void> {
    for (const { resident } of residents) if (!this.residents.delete(resident)) throw new Error("released twice");
  }
  async close(): Promise<void> {}
}

type Get = (key: string) => Tensor;
const float = (size: Shape, data: ArrayLike<number>) => tensor("float32", size, Float32Array.from(data));

function forward(get: Get, keys: readonly string[]) {
  const x = get(keys.includes("features") ? "features" : "images");
  const rows = x.shape[0] as number;
  const w = get("w").data as Float32Array;
  const scale = x.dtype === "uint8" ? 1 / 255 : 1;
  const pixels = Float32Array.from(x.data as Uint8Array, (value) => value * scale);
  const logits = new Float32Array(rows * classes);
  for (let i = 0; i < rows; i++)
    for (let k = 0; k < classes; k++)
      for (let c = 0; c < 3; c++) logits[i * classes + k] += w[k * 3 + c] * pixels[i * 3 + c];
  return { rows, pixels, logits };
}

const graphs = {
  features: (get: Get) => {
    const images = get("images");
    return {
      features: float(
        [images.shape[0] as number, 3],
        Array.from(images.data as Uint8Array, (v) => v / 255),
      ),
    };
  },
  predict: (get: Get, keys: readonly string[]) => {
    const { rows, logits } = forward(get, keys);
    return { logits: float([rows, classes], logits) };
  },
  accumulate: (get: Get, keys: readonly string[]) => {
    const { rows, pixels, logits } = forward(get, keys);
    const [targets, weights] = [get("targets").data as Float32Array, get("weights").data as Float32Array];
    const sums = Float32Array.from(get("sums/w").data as Float32Array);
    let loss = 0;
    for (let i = 0; i < rows; i++) {
      const row = logits.subarray(i * classes, (i + 1) * classes);
      const total = row.reduce((sum, value) => sum + Math.exp(value), 0);
      for (let k = 0; k < classes; k++) {
        const target = targets[i * classes + k];
        loss -= weights[i] * target * Math.log(Math.exp(row[k]) / total);
        const slope = weights[i] * (Math.exp(row[k]) / total - target);
        for (let c = 0; c < 3; c++) sums[k * 3 + c] += slope * pixels[i * 3 + c];
      }
    }
    return { "next/sums/w": float(shape, sums), loss: float([], [loss]), logits: float([rows, classes], logits) };
  },
  update: (get: Get) => {
    const [w, sums, state] = ["w", "sums/w", "state/w"].map((key) => get(key).data as Float32Array);
    const lr = (get("lr").data as Float32Array)[0];
    const next = state.map((value, i) => 0.9 * value + sums[i]);
    return {
      "next/w": float(
        shape,
        w.map((value, i) => value - lr * next[i]),
      ),
      "next/state/w": float(shape, next),
      gradientNorm: float([], [Math.hypot(...sums)]),
    };
  },
} as const satisfies Record<string, (get: Get, keys: readonly string[]) => Record<string, Tensor>>;

/** Images whose brightest channel is their class, with noise; `seen` collects the indices that were asked for. */
export function fakeLoader(count: number, set: number, batchSize: number, seed: number, seen: number[] = []): Loader {
  const noise = (i: number) => Math.abs(Math.sin(12.9898 * (i + 1) + 78.233 * set) * 43758.5453) % 1;
  async function* serve(lists: readonly Int32Array[], from = 0): AsyncGenerator<Batch, void> {
    for (const [step, indices] of lists.entries()) {
      if (step < from) continue;
      seen.push(...indices);
      const labels = indices.map((index) => index % classes);
      const images = new Uint8Array(elementCount([indices.length, 3]));
      indices.forEach((index, row) => {
        for (let c = 0; c < 3; c++) images[row * 3 + c] = 140 * noise(index * 3 + c) + (labels[row] === c ? 90 : 0);
      });
      yield { step, images, shape: [indices.length, 1, 1, 3], labels, indices };
    }
  }
  return {
    count,
    batchCount: Math.ceil(count / batchSize),
    batches: (epoch) => batches(count, batchSize, seed, epoch),
    epoch: (epoch, from) => serve(batches(count, batchSize, seed, epoch), from),
    inOrder: () => serve(batchesInOrder(count, batchSize)),
    check: async () => [],
    warm: async () => [],
  };
}
