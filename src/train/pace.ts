import { stream } from "../data/random.js";
import { productFlops } from "../graph/footprint.js";
import type { Graph } from "../graph/graph.js";
import { elementCount, type Tensor, tensor } from "../graph/tensor.js";
import { lower } from "../onnx/lower.js";
import type { Executor, Session } from "../run/executor.js";
import type { Architecture } from "../vit/architecture.js";
import { randomWeights } from "../vit/random-weights.js";
import { follow } from "./average.js";
import { type Trained, trainBatch } from "./batch.js";
import { chanceOf } from "./chance.js";
import { type Lane, openLanes, openSession, releaseAll, uploadAll } from "./lanes.js";
import type { LoopConfig } from "./loop-parts.js";
import { answerRows } from "./rows.js";
import type { TrainingStep } from "./step.js";

/** Seconds that an image takes, all lanes at work; of `features` and `predict` each where the step has it. */
export interface Pace {
  /** A training image's share of an update; from features where only the head is trained. */
  readonly train: number;
  readonly predict: number;
  /** From pixels to the features of a head that is trained alone; 0 for any other training. */
  readonly features: number;
}

/**
 * Blocks that are timed: the first, which needs no gradient of its input, the last, of which only the class token is
 * needed, and some between. In a narrow network what does not grow with the blocks weighs more.
 */
const timedBlocks = ({ width }: Architecture): number => (width < 768 ? 5 : 3);

/** The first blocks of a network, enough to tell the pace of all. */
export const shortened = (a: Architecture): Architecture => ({ ...a, blocks: Math.min(timedBlocks(a), a.blocks) });

/** Micro-batches of each lane that are timed; of a batch with more the rest is added. */
const timedRounds = 4;

/**
 * The pace of a step: that of the same step on a shortened network, times the ratio of the operations in their matrix
 * products. Whole batches go through the real engine, on as many lanes, for some seconds: with copies, masks and update.
 * @param short the step of `shortened(architecture)`, which is `architecture` here
 */
export async function measurePace(
  executors: readonly Executor[],
  full: TrainingStep,
  short: TrainingStep,
  architecture: Architecture,
  { batchSize, gradientNoise = 0, ema }: Pick<LoopConfig, "batchSize" | "gradientNoise" | "ema">,
): Promise<Pace> {
  const { classes } = architecture;
  const { microBatch, masks, takes } = short;
  // No speed depends on the values, as long as they are neither zero nor subnormal: few draws again and again.
  const made = randomWeights(architecture, () => draw);
  const weights = (name: string): Tensor => made.get(name) as Tensor;
  const lanes = await openLanes(executors, short, weights);
  const update = await openSession(executors[0] as Executor, short.update);
  const parameters = short.initial(() => draw, weights);
  const own = await Promise.all(executors.map((executor) => uploadAll(executor, parameters)));
  const perRound = lanes.length * microBatch;

  let trained: Trained = { parameters, state: short.initialState() };
  const options = { step: short, lanes, update, classes, labelSmoothing: 0 };
  const place = { seed: 0, epoch: 0, step: 0, updates: 0 };
  const chance = chanceOf({ ...place, masks, microBatch, parameters: short.parameters, gradientNoise });
  const trainRounds = (rounds: number) => {
    const labels = Int32Array.from({ length: rounds * perRound }, (_, i) => i % classes);
    const batch = { step: 0, rows: rowsOf(short.accumulate, takes, labels.length), labels, indices: labels };
    return async (): Promise<void> => {
      ({ trained } = await trainBatch(options, trained, batch, 0, chance));
      if (ema) follow(parameters, trained.parameters, ema);
    };
  };
  const rounds = Math.ceil(batchSize / perRound);
  const few = Math.min(rounds, timedRounds);
  const [one, some] = await medians([trainRounds(1), trainRounds(few)], 1.2);
  const more = few > 1 ? Math.min(some / few, Math.max(0, some - one) / (few - 1)) : 0;

  const answering = async (of: (lane: Lane) => Promise<Session>, graph: Graph, input: string, output: string) => {
    const sessions = await Promise.all(lanes.map(of));
    const answer = async (lane: number, rows: Tensor): Promise<Tensor> =>
      (await sessions[lane]?.run({ ...own[lane], [input]: rows }))?.[output] as Tensor;
    const team = { lanes: lanes.length, microBatch, answer };
    const rows = rowsOf(graph, input, perRound);
    const [seconds] = await medians([() => answerRows(team, rows)], 0.4);
    return seconds / perRound;
  };
  const { features } = short;
  const toFeatures = async ({ features }: Lane): Promise<Session> => features as Session;
  const pace = {
    train: growth(full.accumulate, short.accumulate) * ((some + (rounds - few) * more) / batchSize),
    predict:
      growth(full.predict, short.predict) * (await answering((lane) => lane.predict(), short.predict, takes, "logits")),
    features:
      full.features && features
        ? growth(full.features, features) * (await answering(toFeatures, features, "images", "features"))
        : 0,
  };
  await Promise.all(executors.map((executor, i) => releaseAll(executor, own[i] ?? {})));
  await releaseAll(executors[0] as Executor, trained.state);
  for (const session of [update, ...lanes]) await session.close();
  return pace;
}

/** How many times the operations of its matrix products a graph has of those of another. */
function growth(whole: Graph, part: Graph): number {
  const [all, some] = [whole, part].map((graph) => productFlops(lower(graph, "cpu"))) as [number, number];
  return some > 0 ? all / some : 1;
}

/**
 * The middle of the seconds that each task takes. They take turns for so long, twice at least, behind a first turn that does
 * not count.
 */
async function medians<const Tasks extends readonly (() => Promise<unknown>)[]>(
  tasks: Tasks,
  seconds: number,
): Promise<{ [K in keyof Tasks]: number }> {
  const times = tasks.map((): number[] => []);
  let spent = 0;
  for (let turn = 0; turn <= 2 || spent < seconds; turn++) {
    for (const [i, task] of tasks.entries()) {
      const began = performance.now();
      await task();
      const took = (performance.now() - began) / 1000;
      if (turn > 0) times[i]?.push(took);
      if (turn > 0) spent += took;
    }
  }
  return times.map((all) => all.sort((a, b) => a - b)[all.length >> 1]) as { [K in keyof Tasks]: number };
}

const draws = Float64Array.from({ length: 4093 }, stream(0, "pace").normal);
let drawn = 0;
const draw = (): number => draws[drawn++ % draws.length] as number;

/** Made-up rows for an input of a graph; equal ones would have a gradient that is zero in most directions. */
function rowsOf({ inputs }: Graph, name: string, count: number): Tensor {
  const {
    dtype,
    shape: [, ...rest],
  } = inputs.find((input) => input.name === name) as Graph["inputs"][number];
  const shape = [count, ...rest];
  const size = { length: elementCount(shape) };
  return dtype === "uint8"
    ? tensor(
        "uint8",
        shape,
        Uint8Array.from(size, () => 128 + 30 * draw()),
      )
    : tensor("float32", shape, Float32Array.from(size, draw));
}
