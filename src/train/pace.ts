import { stream } from "../data/random.js";
import { productFlops } from "../graph/footprint.js";
import type { Graph } from "../graph/graph.js";
import { type DType, elementCount, type Tensor, tensor } from "../graph/tensor.js";
import { lower } from "../onnx/lower.js";
import type { Executor, Feed } from "../run/executor.js";
import type { Architecture } from "../vit/architecture.js";
import { randomWeights } from "../vit/random-weights.js";
import { openSession, releaseAll, uploadAll } from "./lanes.js";
import type { TrainingStep } from "./step.js";

/** Seconds that an image takes, all lanes at work; of `features` and `predict` each where the step has it. */
export interface Pace {
  /** Forward and backward; from features where only the head is trained. */
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

/**
 * The pace of a step: that of the same step on a shortened network, times the ratio of the operations in their matrix
 * products. It runs in the real engine, on as many lanes, for about two seconds.
 * @param short the step of `shortened(architecture)`, which is `architecture` here
 */
export async function measurePace(
  executors: readonly Executor[],
  full: TrainingStep,
  short: TrainingStep,
  architecture: Architecture,
): Promise<Pace> {
  const draws = Float64Array.from({ length: 4093 }, stream(0, "pace").normal);
  let drawn = 0;
  // No speed depends on the values, as long as they are neither zero nor subnormal: few draws again and again.
  const made = randomWeights(architecture, () => () => draws[drawn++ % draws.length] as number);
  const weights = (name: string): Tensor => made.get(name) as Tensor;
  const parameters = short.initial(() => () => 0.01, weights);
  const fixed = { ...parameters, ...short.zeroSums() };
  const time = async (of: (step: TrainingStep) => Graph | undefined, seconds: number): Promise<number> => {
    const [whole, part] = [of(full), of(short)];
    if (!whole || !part) return 0;
    const perRun = Math.max(
      ...(await Promise.all(executors.map((executor) => timeRuns(executor, part, weights, fixed, seconds)))),
    );
    const [all, some] = [whole, part].map((graph) => productFlops(lower(graph, "cpu"))) as [number, number];
    return (perRun * (some > 0 ? all / some : 1)) / (full.microBatch * executors.length);
  };
  return {
    train: await time((step) => step.accumulate, 0.8),
    predict: await time((step) => step.predict, 0.3),
    features: await time((step) => step.features, 0.5),
  };
}

/** The middle of the seconds that the runs of a graph take, for so long; two at least. */
async function timeRuns(
  executor: Executor,
  graph: Graph,
  weights: (name: string) => Tensor,
  fixed: Readonly<Record<string, Tensor>>,
  seconds: number,
): Promise<number> {
  const session = await openSession(executor, graph, weights);
  const own = await uploadAll(executor, fixed);
  const fed = graph.inputs.filter(({ name }) => !Object.hasOwn(own, name));
  const others: Record<string, Feed> = Object.fromEntries(
    fed.map(({ name, shape, dtype }) => [name, filled(dtype, shape)]),
  );
  const kept = Object.keys(graph.outputs).filter((name) => name.startsWith("next/"));
  const run = async (): Promise<number> => {
    const began = performance.now();
    const outputs = await session.run({ ...own, ...others }, kept);
    await releaseAll(executor, outputs);
    return (performance.now() - began) / 1000;
  };
  await run();
  const times: number[] = [];
  for (let spent = 0; spent < seconds || times.length < 2; spent += times.at(-1) as number) times.push(await run());
  await releaseAll(executor, own);
  await session.close();
  return times.sort((a, b) => a - b)[times.length >> 1] as number;
}

const filled = (dtype: DType, shape: readonly number[]): Tensor =>
  dtype === "uint8"
    ? tensor("uint8", shape, new Uint8Array(elementCount(shape)).fill(1))
    : tensor("float32", shape, new Float32Array(elementCount(shape)).fill(0.1));
