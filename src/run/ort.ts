import { ShapeError } from "../errors.js";
import type { Graph } from "../graph/graph.js";
import type { Tensor } from "../graph/tensor.js";
import { toBytes } from "../onnx/element-type.js";
import { encode } from "../onnx/encode.js";
import { lower, type OrtTarget } from "../onnx/lower.js";
import type { Executor, Feed, Resident, Session } from "./executor.js";
import { checkFeeds, checkWeight } from "./feeds.js";
import { type Engine, OrtEngine, type OrtModule } from "./ort-engine.js";

/** How sessions are made; what is left out is ONNX Runtime's default. */
export interface OrtOptions {
  /** default "cpu" */
  readonly target?: OrtTarget;
  /** Threads that one operator is spread over. */
  readonly threads?: number;
  readonly graphOptimizationLevel?: "disabled" | "basic" | "extended" | "layout" | "all";
  /**
   * ONNX Runtime's session configuration: `{ session: { disable_prepacking: "1" } }`.
   * @see https://github.com/microsoft/onnxruntime/blob/main/include/onnxruntime/core/session/onnxruntime_session_options_config_keys.h
   */
  readonly extra?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** ONNX Runtime's own session options. */
export function sessionOptions({ target = "cpu", threads, graphOptimizationLevel, extra }: OrtOptions) {
  const onGpu = target === "webgpu";
  return {
    executionProviders: [target],
    // Errors, not warnings: what it warns of (folded constants, unused outputs) is not the user's concern.
    logSeverityLevel: 3,
    // A pattern lays the activations out a second time beside what the first run took, and is no faster here.
    enableMemPattern: false,
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    ...(graphOptimizationLevel === undefined ? {} : { graphOptimizationLevel }),
    ...(onGpu ? { preferredOutputLocation: "gpu-buffer" } : {}),
    // What the GPU lacks is an error there, never silently the CPU's work.
    extra: { ...extra, session: { ...(onGpu ? { disable_cpu_ep_fallback: "1" } : {}), ...extra?.session } },
  };
}

/** Runs graphs in ONNX Runtime: lowers them to what the target has, and hands them over as ONNX. */
export class OrtExecutor implements Executor {
  readonly target: OrtTarget;
  readonly #engine: Engine;

  /** @param engine where ONNX Runtime lives: this thread, or another */
  constructor(engine: Engine, target: OrtTarget) {
    this.#engine = engine;
    this.target = target;
  }

  /** An executor over an ONNX Runtime in this thread, where a run may block. */
  static over(ort: OrtModule, options: OrtOptions = {}): OrtExecutor {
    return new OrtExecutor(new OrtEngine(ort, sessionOptions(options)), options.target ?? "cpu");
  }

  async load(graph: Graph, weights: (name: string) => Tensor = noWeights): Promise<Session> {
    const lowered = lower(graph, this.target);
    const { model, weights: places } = encode(lowered);
    function* externalData() {
      for (const leaf of lowered.weights) {
        const tensor = weights(leaf.name);
        checkWeight(graph.name, leaf, tensor);
        yield { path: places.get(leaf.name)?.location as string, data: toBytes(tensor) };
      }
    }
    const request = { name: graph.name, model, options: gentleOnDoubles(lowered), externalData: externalData() };
    const session = await this.#engine.load(request);
    // An input that the lowered graph no longer needs is checked, and stays here.
    const needed = new Set(lowered.inputs.map(({ name }) => name));
    const run = async (feeds: Readonly<Record<string, Feed>>, keep: readonly string[] = []) => {
      checkFeeds(graph, feeds);
      const unknown = keep.find((name) => !Object.hasOwn(graph.outputs, name));
      if (unknown !== undefined) throw new ShapeError(`${graph.name}: there is no output ${unknown} to keep`);
      const used = Object.fromEntries(Object.entries(feeds).filter(([name]) => needed.has(name)));
      return this.#engine.run(session, used, keep);
    };
    return { run: run as Session["run"], close: () => this.#engine.unload(session) };
  }

  upload = (tensor: Tensor): Promise<Resident> => this.#engine.upload(tensor);

  read = (resident: Resident): Promise<Tensor> => this.#engine.read(resident.resident);

  release = (residents: readonly Resident[]): Promise<void> =>
    this.#engine.release(residents.map(({ resident }) => resident));

  /** Gives back what it holds. */
  close = (): Promise<void> => this.#engine.close();
}

/** Beyond `basic`, ONNX Runtime folds a scale into a product's `alpha`, which is float32 even for doubles. */
const gentleOnDoubles = ({ nodes }: Graph) =>
  nodes.some(({ outputs }) => outputs.some(({ dtype }) => dtype === "float64"))
    ? { graphOptimizationLevel: "basic" }
    : {};

const noWeights = (name: string): Tensor => {
  throw new ShapeError(`weight ${name} was not given`);
};
