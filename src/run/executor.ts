import type { Graph } from "../graph/graph.js";
import type { DType, Shape, Tensor } from "../graph/tensor.js";

/** Where operators run. It decides how a graph is lowered; `reference` is the float64 interpreter. */
export type Target = "reference" | "cpu" | "wasm" | "webgpu";

/** A tensor that stays where it was computed until it is read; immutable, like a value. */
export interface Resident {
  readonly resident: number;
  readonly dtype: DType;
  readonly shape: Shape;
}

/** What runs may be fed with: host tensors, or results of earlier runs that were kept. */
export type Feed = Tensor | Resident;

/** A loaded graph. Runs of one session happen one after the other. */
export interface Session {
  /**
   * Runs the graph once.
   * @param feeds one tensor per graph input
   * @param keep names of outputs that come back as `Resident`, to be fed to later runs of any session of the same executor
   * @throws ShapeError where a feed is missing or has another shape than the graph's input
   */
  run<K extends string = never>(
    feeds: Readonly<Record<string, Feed>>,
    keep?: readonly K[],
  ): Promise<Record<string, Tensor> & Record<K, Resident>>;
  /** Gives back what it holds. */
  close(): Promise<void>;
}

/** Turns graphs into something that runs. */
export interface Executor {
  readonly target: Target;
  /**
   * Loads a graph with its frozen weights.
   * @param weights gives each weight by name; asked once per name and session
   */
  load(graph: Graph, weights?: (name: string) => Tensor): Promise<Session>;
  /** Puts a tensor where runs can be fed with it again and again. */
  upload(tensor: Tensor): Promise<Resident>;
  /** The contents of a resident tensor. */
  read(resident: Resident): Promise<Tensor>;
  /** Gives up resident tensors; using one afterwards is an error. */
  release(residents: readonly Resident[]): Promise<void>;
  /** Gives back what it holds. */
  close(): Promise<void>;
}
