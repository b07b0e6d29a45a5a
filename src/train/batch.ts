import { bestClasses } from "../evaluate/metrics.js";
import { type Tensor, tensor } from "../graph/tensor.js";
import type { Feed, Session } from "../run/executor.js";
import type { Chance } from "./chance.js";
import type { Tensors } from "./checkpoint.js";
import { imageWeights } from "./class-weights.js";
import { type ExampleBatch, exampleWeights, type SecondLabels, smoothTargets } from "./examples.js";
import { type Lane, releaseAll, shareOut, uploadAll } from "./lanes.js";
import { cutRows } from "./rows.js";
import type { TrainingStep } from "./step.js";

type Feeds = Readonly<Record<string, Feed>>;

/** What an update changes. */
export interface Trained {
  /** On the host, because every lane gets a copy. */
  readonly parameters: Tensors;
  /** On the host before the first update, in the first lane afterwards. */
  readonly state: Feeds;
}

/** What one update found. */
export interface BatchResult {
  readonly trained: Trained;
  /** Mean loss over the batch before the update. */
  readonly loss: number;
  /** Right answers; one that names only one of two mixed images counts as much as that image's share. */
  readonly correct: number;
  readonly gradientNorm: number;
}

/** The two graphs of a step, loaded, and what goes with every batch. */
export interface Updater {
  readonly step: TrainingStep;
  readonly lanes: readonly Lane[];
  /** In the first lane's executor. */
  readonly update: Session;
  readonly classes: number;
  readonly labelSmoothing: number;
  /** What an image counts by its class; absent where all count the same. */
  readonly classWeights?: Float64Array | undefined;
}

/**
 * The trained tensors after one batch: its micro-batches are shared out among the lanes, each lane sums its gradients, and
 * the sum of the sums is applied once. The state that came in is released.
 */
export async function trainBatch(
  { step, lanes, update, classes, labelSmoothing, classWeights }: Updater,
  { parameters, state }: Trained,
  { rows, labels, second }: ExampleBatch,
  lr: number,
  chance: Chance,
): Promise<BatchResult> {
  const { microBatch, takes } = step;
  const [{ executor }] = lanes as readonly [Lane];
  const own = await Promise.all(lanes.map((lane) => uploadAll(lane.executor, parameters)));
  const parts = cutRows(rows, microBatch);
  const sums: Feeds[] = lanes.slice(0, parts.length).map(({ zeroSums }) => zeroSums);
  const counts = imageWeights(labels, classWeights, second);
  const sumNames = step.parameters.map(({ name }) => `sums/${name}`);

  const found = await shareOut(lanes.length, parts, async (laneIndex, part, i) => {
    const lane = lanes[laneIndex] as Lane;
    const before = sums[laneIndex] as Feeds;
    const cut = (all: Int32Array): Int32Array => all.subarray(i * microBatch, (i + 1) * microBatch);
    const answers = cut(labels);
    const others = second && { ...second, labels: cut(second.labels) };
    const feeds: Feeds = {
      ...own[laneIndex],
      ...before,
      [takes]: part,
      targets: smoothTargets(answers, microBatch, classes, labelSmoothing, others),
      weights: exampleWeights(microBatch, counts.subarray(i * microBatch, (i + 1) * microBatch)),
      ...chance.masks(i * microBatch, answers.length),
    };
    // The last sums of several lanes come here to be added; all others stay where they are.
    const isLast = lanes.length > 1 && i + lanes.length >= parts.length;
    const outputs = await lane.accumulate.run(feeds, isLast ? [] : nextNames(sumNames));
    if (i >= lanes.length) await releaseAll(lane.executor, before);
    sums[laneIndex] = takeNext(outputs, sumNames);
    const guesses = bestClasses((outputs.logits as Tensor<"float32">).data, classes);
    return { loss: scalar(outputs, "loss"), correct: countCorrect(guesses, answers, others) };
  });

  const total = addUp(sums);
  const rate = tensor("float32", [], Float32Array.of(lr));
  const outputs = await update.run(
    { ...own[0], ...total, ...state, ...chance.noise(), lr: rate },
    nextNames(Object.keys(state)),
  );
  await releaseAll(executor, { ...total, ...state });
  await Promise.all(lanes.map((lane, i) => releaseAll(lane.executor, own[i] ?? {})));
  return {
    trained: {
      parameters: takeNext(outputs, Object.keys(parameters)) as Tensors,
      state: takeNext(outputs, Object.keys(state)),
    },
    loss: found.reduce((sum, part) => sum + part.loss, 0),
    correct: found.reduce((sum, part) => sum + part.correct, 0),
    gradientNorm: scalar(outputs, "gradientNorm"),
  };
}

/** Right guesses, each by the shares of the classes it names. */
function countCorrect(guesses: Int32Array, labels: Int32Array, second: SecondLabels | undefined): number {
  const share = second?.share ?? 0;
  const worth = (guess: number | undefined, row: number): number =>
    (guess === labels[row] ? 1 - share : 0) + (guess === (second?.labels ?? labels)[row] ? share : 0);
  return labels.reduce((sum, _, row) => sum + worth(guesses[row], row), 0);
}

/** The sum of the lanes' sums, added in the lanes' order; those of a single lane are not looked at. */
function addUp([total = {}, ...rest]: readonly Feeds[]): Feeds {
  for (const part of rest) {
    for (const [name, feed] of Object.entries(total)) {
      const [data, more] = [feed, part[name]].map((sum) => (sum as Tensor).data as Float32Array) as [
        Float32Array,
        Float32Array,
      ];
      for (let i = 0; i < more.length; i++) data[i] = (data[i] as number) + (more[i] as number);
    }
  }
  return total;
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
  return found === undefined || "resident" in found ? Number.NaN : Number(found.data[0]);
}
