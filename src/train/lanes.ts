import type { Graph } from "../graph/graph.js";
import type { Tensor } from "../graph/tensor.js";
import type { Executor, Feed, Resident, Session } from "../run/executor.js";
import type { Tensors } from "./checkpoint.js";
import type { TrainingStep } from "./step.js";

/**
 * An executor with the graphs of a step. Lanes work on different micro-batches at the same time: two lanes of one
 * thread each waste less than two threads that share every operator of one micro-batch.
 */
export interface Lane {
  readonly executor: Executor;
  readonly accumulate: Session;
  /** Loaded when it is first asked for: the first micro-batch need not wait for it. */
  predict(): Promise<Session>;
  /** Where only the head is trained. */
  readonly features: Session | undefined;
  /** What the sums of every batch begin with. */
  readonly zeroSums: Residents;
  close(): Promise<void>;
}

/** Loads the graphs of a step into each executor, all at once. */
export function openLanes(
  executors: readonly Executor[],
  step: TrainingStep,
  weights: (name: string) => Tensor,
): Promise<readonly Lane[]> {
  return Promise.all(
    executors.map(async (executor) => {
      const accumulate = await openSession(executor, step.accumulate, weights);
      const features = step.features && (await openSession(executor, step.features, weights));
      const zeroSums = await uploadAll(executor, step.zeroSums());
      let loading: Promise<Session> | undefined;
      const predict = () => {
        loading ??= openSession(executor, step.predict, weights);
        return loading;
      };
      const close = async () => {
        for (const session of [accumulate, features, await loading]) await session?.close();
        await releaseAll(executor, zeroSums);
      };
      return { executor, accumulate, predict, features, zeroSums, close };
    }),
  );
}

/** A loaded graph that takes of its feeds what it needs: a graph may have lost an input that does not matter to it. */
export async function openSession(
  executor: Executor,
  graph: Graph,
  weights?: (name: string) => Tensor,
): Promise<Session> {
  const session = await executor.load(graph, weights);
  const needed = new Set(graph.inputs.map(({ name }) => name));
  return {
    run: (feeds, keep) =>
      session.run(Object.fromEntries(Object.entries(feeds).filter(([name]) => needed.has(name))), keep),
    close: () => session.close(),
  };
}

/**
 * The results of `work` for all items, in their order. Lane `i` of `n` takes items `i`, `i + n`, … one after the other:
 * who does what depends on nothing but the counts, so every sum is made in the same order again.
 */
export async function shareOut<Item, Result>(
  lanes: number,
  items: readonly Item[],
  work: (lane: number, item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  const inLane = async (_: unknown, lane: number): Promise<void> => {
    for (let i = lane; i < items.length; i += lanes) results[i] = await work(lane, items[i] as Item, i);
  };
  await Promise.all(Array.from({ length: lanes }, inLane));
  return results;
}

/** Tensors of one name each, where an executor keeps them. */
export type Residents = Readonly<Record<string, Resident>>;

/** Puts all tensors into an executor. */
export async function uploadAll(executor: Executor, tensors: Tensors): Promise<Residents> {
  const entries = Object.entries(tensors).map(async ([name, tensor]) => [name, await executor.upload(tensor)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** The contents of every tensor on the host. */
export async function readAll(executor: Executor, feeds: Readonly<Record<string, Feed>>): Promise<Tensors> {
  const entries = Object.entries(feeds).map(
    async ([name, feed]) => [name, isResident(feed) ? await executor.read(feed) : feed] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

/** Gives up all tensors that an executor keeps. */
export async function releaseAll(executor: Executor, feeds: Readonly<Record<string, Feed>>): Promise<void> {
  const residents = Object.values(feeds).filter(isResident);
  if (residents.length > 0) await executor.release(residents);
}

const isResident = (feed: Feed): feed is Resident => "resident" in feed;
