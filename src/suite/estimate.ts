import { productFlops } from "../graph/footprint.js";
import type { Graph } from "../graph/graph.js";
import { lower } from "../onnx/lower.js";
import type { Pace } from "../train/pace.js";
import type { TrainingStep } from "../train/step.js";

/**
 * The pace of a training, from that of another on the same network: of each graph times the ratio of the operations in
 * its matrix products. What the other has no graph for goes at the pace of its prediction.
 */
export function paceLike(pace: Pace, measured: TrainingStep, step: TrainingStep): Pace {
  const ratio = (graph: Graph, other: Graph): number =>
    (operationsOf(graph) * measured.microBatch) / (operationsOf(other) * step.microBatch);
  const features = (own: Graph): number =>
    measured.features ? pace.features * ratio(own, measured.features) : pace.predict * ratio(own, measured.predict);
  return {
    ...pace,
    train: pace.train * ratio(step.accumulate, measured.accumulate),
    predict: pace.predict * ratio(step.predict, measured.predict),
    features: step.features ? features(step.features) : 0,
  };
}

/** Once per graph: expansion into what the engine has makes thousands of nodes. */
function operationsOf(graph: Graph): number {
  const known = operations.get(graph) ?? productFlops(lower(graph, "cpu"));
  operations.set(graph, known);
  return known;
}
const operations = new WeakMap<Graph, number>();
