import { byteSize, computedBytes } from "../graph/footprint.js";
import type { Graph } from "../graph/graph.js";
import { lower } from "../onnx/lower.js";
import type { TrainingStep } from "./step.js";

/** The memory of a program that computes with lanes, in bytes. */
export interface Footprint {
  /** What is there once: the process, the network's tensors as they were read, what is trained. */
  readonly shared: number;
  /** What every lane adds. */
  readonly perLane: number;
}

/** What a footprint depends on beside a training step. */
export interface Extent {
  /** Bytes of the network's tensors as they were read. */
  readonly weightBytes: number;
  /** True where a moving average of what is trained is kept. */
  readonly isAveraged?: boolean;
}

/** The bytes of a footprint on so many lanes of so many threads. */
export const bytesOf = ({ shared, perLane }: Footprint, lanes: number, threadsPerLane: number): number =>
  shared + lanes * (perLane + threadsPerLane * threadBytes);

/**
 * The memory that a training takes, from its graphs: each lane holds the weights of each, and what they compute. The four
 * factors are fitted to measured peaks, see bench/NOTES.md.
 */
export function trainingFootprint(
  { accumulate, predict, update, features, parameters }: TrainingStep,
  { weightBytes, isAveraged = false }: Extent,
): Footprint {
  const trained = byteSize(parameters.map(({ shape }) => ({ shape, dtype: "float32" as const })));
  const state = byteSize(update.inputs.filter(({ name }) => name.startsWith("state/")));
  const graphs = [accumulate, predict, ...(features ? [features] : [])].map(sessionBytes);
  return {
    shared: processBytes + weightBytes + state + computed(update) + trained * (isAveraged ? 7 : 5),
    perLane: laneBytes + graphs.reduce((a, b) => a + b) + trained * 5,
  };
}

/** The memory that a graph without anything trained takes. @param weightBytes bytes of the network's tensors as they were read */
export const predictionFootprint = (predict: Graph, weightBytes: number): Footprint => ({
  shared: processBytes + weightBytes,
  perLane: laneBytes + sessionBytes(predict),
});

/** A loaded graph: its weights, what its runs compute, and what they are fed with, here and in the lane. */
const sessionBytes = (graph: Graph): number =>
  packing * byteSize(graph.weights) + computed(graph) + 2 * byteSize(graph.inputs.filter(isFedEachRun));

const isFedEachRun = ({ name }: { readonly name: string }): boolean =>
  /^(images|features|targets|masks\/.*)$/.test(name);

/** Once per graph: expansion into what the engine has makes thousands of nodes. */
function computed(graph: Graph): number {
  const known = computedOf.get(graph) ?? computedBytes(lower(graph, "cpu"));
  computedOf.set(graph, known);
  return known;
}
const computedOf = new WeakMap<Graph, number>();

/** Node.js with everything that a training loads. */
const processBytes = 110 * 2 ** 20;
/** A thread of Node.js with ONNX Runtime in it. */
const laneBytes = 60 * 2 ** 20;
const threadBytes = 2 * 2 ** 20;
/** ONNX Runtime's copy of the weights, packed for its kernels; what it frees while it loads one graph serves the next. */
const packing = 0.95;
