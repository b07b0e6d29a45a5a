import type { Graph } from "../graph/graph.js";
import type { Tensor } from "../graph/tensor.js";
import type { Executor, Session } from "../run/executor.js";

/** A loaded graph that takes of its feeds what it needs: a graph may have lost an input that does not matter to it. */
export async function openSession(
  executor: Executor,
  graph: Graph,
  weights: (name: string) => Tensor,
): Promise<Session> {
  const session = await executor.load(graph, weights);
  const needed = new Set(graph.inputs.map(({ name }) => name));
  return {
    run: (feeds, keep) =>
      session.run(Object.fromEntries(Object.entries(feeds).filter(([name]) => needed.has(name))), keep),
    close: () => session.close(),
  };
}
