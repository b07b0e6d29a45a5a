import { bestClasses } from "../evaluate/metrics.js";
import { type Tensor, tensor } from "../graph/tensor.js";
import type { Executor, Feed, Resident, Session } from "../run/executor.js";
import type { Tensors } from "./checkpoint.js";
import { cutRows, type ExampleBatch, exampleWeights, smoothTargets } from "./examples.js";
import type { TrainingStep } from "./step.js";

type Feeds = Readonly<Record<string, Feed>>;

/** What an update changes: on the host before the first one, with the executor afterwards. */
export interface Trained {
  readonly parameters: Feeds;
  readonly state: Feeds;
}

/** What one update found. */
export interface BatchResult {
  readonly trained: Trained;
  /** Mean loss over the batch before the update. */
  readonly loss: number;
  readonly correct: number;
  readonly gradientNorm: number;
}

/** The two graphs of a step, loaded, and what goes with every batch. */
export interface Updater {
  readonly step: TrainingStep;
  readonly executor: Executor;
  readonly accumulate: Session;
  readonly update: Session;
  readonly classes: number;
  readonly labelSmoothing: number;
}

/**
 * The trained tensors after one batch: gradients are summed over its micro-batches, then applied once. The tensors that
 * came in are released.
 */
export async function trainBatch(
  { step, executor, accumulate, update, classes, labelSmoothing }: Updater,
  { parameters, state }: Trained,
  { rows, labels }: ExampleBatch,
  lr: number,
): Promise<BatchResult> {
  const { microBatch, takes } = step;
  let sums: Feeds = step.zeroSums();
  const sumNames = Object.keys(sums);
  let loss = 0;
  let correct = 0;
  for (const [i, part] of cutRows(rows, microBatch).entries()) {
    const own = labels.subarray(i * microBatch, (i + 1) * microBatch);
    const feeds: Feeds = {
      ...parameters,
      ...sums,
      [takes]: part,
      targets: smoothTargets(own, microBatch, classes, labelSmoothing),
      weights: exampleWeights(microBatch, own.length, labels.length),
    };
    const outputs = await accumulate.run(feeds, nextNames(sumNames));
    await releaseAll(executor, sums);
    sums = takeNext(outputs, sumNames);
    loss += scalar(outputs, "loss");
    const answers = bestClasses((outputs.logits as Tensor<"float32">).data, classes);
    correct += own.reduce((sum, label, row) => sum + (answers[row] === label ? 1 : 0), 0);
  }
  const names = [...Object.keys(parameters), ...Object.keys(state)];
  const rate = tensor("float32", [], Float32Array.of(lr));
  const outputs = await update.run({ ...parameters, ...sums, ...state, lr: rate }, nextNames(names));
  for (const old of [sums, parameters, state]) await releaseAll(executor, old);
  return {
    trained: {
      parameters: takeNext(outputs, Object.keys(parameters)),
      state: takeNext(outputs, Object.keys(state)),
    },
    loss,
    correct,
    gradientNorm: scalar(outputs, "gradientNorm"),
  };
}

/** The contents of every tensor on the host. */
export async function readAll(executor: Executor, feeds: Feeds): Promise<Tensors> {
  const tensors: Record<string, Tensor> = {};
  for (const [name, feed] of Object.entries(feeds)) tensors[name] = isResident(feed) ? await executor.read(feed) : feed;
  return tensors;
}

const isResident = (feed: Feed): feed is Resident => "resident" in feed;

async function releaseAll(executor: Executor, feeds: Feeds): Promise<void> {
  const residents = Object.values(feeds).filter(isResident);
  if (residents.length > 0) await executor.release(residents);
}

const nextNames = (names: readonly string[]): string[] => names.map((name) => `next/${name}`);

function takeNext(outputs: Feeds, names: readonly string[]): Feeds {
  const take = (name: string): Feed => {
    const found = outputs[`next/${name}`];
    if (found === undefined) throw new Error(`the step returned no next/${name}`);
    return found;
  };
  return Object.fromEntries(names.map((name) => [name, take(name)]));
}

function scalar(outputs: Feeds, name: string): number {
  const found = outputs[name];
  return found === undefined || isResident(found) ? Number.NaN : Number(found.data[0]);
}
