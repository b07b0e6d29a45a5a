import { RuntimeUnavailableError } from "../errors.js";
import type { DType, Shape, Tensor } from "../graph/tensor.js";
import type { Feed, Resident } from "./executor.js";

/** What we use of a tensor of ONNX Runtime's. */
interface OrtTensor {
  readonly type: string;
  readonly dims: readonly number[];
  getData(): Promise<unknown>;
  dispose(): void;
}
interface OrtSession {
  run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Readonly<Record<string, OrtTensor>>>;
  release(): Promise<void>;
}

/** What we use of ONNX Runtime: `onnxruntime-node` and `onnxruntime-web` both fit. */
export interface OrtModule {
  readonly InferenceSession: {
    /** A session for a model's bytes. */
    create(model: Uint8Array, options: Readonly<Record<string, unknown>>): Promise<unknown>;
  };
  readonly Tensor: unknown;
}

/** An encoded graph with the bytes of its weights. */
export interface EngineGraph {
  readonly name: string;
  readonly model: Uint8Array<ArrayBuffer>;
  /** Session options of this graph, behind those of the engine. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Taken one after the other, so that a caller may make each when it is asked for. */
  readonly externalData: Iterable<{ readonly path: string; readonly data: Uint8Array }>;
}

/** ONNX Runtime behind messages: whatever goes in and out can be cloned, so it may live in another thread. */
export interface Engine {
  load(graph: EngineGraph): Promise<number>;
  run(
    session: number,
    feeds: Readonly<Record<string, Feed>>,
    keep: readonly string[],
  ): Promise<Record<string, Tensor | Resident>>;
  unload(session: number): Promise<void>;
  upload(tensor: Tensor): Promise<Resident>;
  read(resident: number): Promise<Tensor>;
  release(residents: readonly number[]): Promise<void>;
  close(): Promise<void>;
}

/** The engine itself, over an ONNX Runtime that lives in this thread. */
export class OrtEngine implements Engine {
  readonly #ort: OrtModule;
  readonly #options: Readonly<Record<string, unknown>>;
  readonly #sessions = new Map<number, { readonly name: string; readonly session: OrtSession }>();
  readonly #residents = new Map<number, OrtTensor>();
  #last: Promise<unknown> = Promise.resolve();
  #count = 0;

  /** @param options ONNX Runtime's session options, for every session */
  constructor(ort: OrtModule, options: Readonly<Record<string, unknown>> = {}) {
    this.#ort = ort;
    this.#options = options;
  }

  async load({ name, model, externalData, options: own }: EngineGraph): Promise<number> {
    const options = { ...own, ...this.#options, externalData: [...externalData] };
    const create = async () => (await this.#ort.InferenceSession.create(model, options)) as OrtSession;
    const session = await this.#inTurn(`${name}: ONNX Runtime cannot load the graph`, create);
    this.#sessions.set(++this.#count, { name, session });
    return this.#count;
  }

  async run(id: number, feeds: Readonly<Record<string, Feed>>, keep: readonly string[]) {
    const { name, session } = this.#session(id);
    const entries = Object.entries(feeds).map(([key, feed]) => [key, this.#toOrt(feed)]);
    const inputs: Record<string, OrtTensor> = Object.fromEntries(entries);
    const outputs = await this.#inTurn(`${name}: ONNX Runtime cannot run the graph`, () => session.run(inputs));
    const results: Record<string, Tensor | Resident> = {};
    for (const [key, output] of Object.entries(outputs)) {
      if (keep.includes(key)) results[key] = this.#keep(output);
      else {
        results[key] = await fromOrt(output);
        // On a GPU its buffer would stay until the end of the session.
        output.dispose();
      }
    }
    return results;
  }

  async unload(id: number): Promise<void> {
    const { session } = this.#session(id);
    this.#sessions.delete(id);
    await this.#inTurn("ONNX Runtime cannot release a session", () => session.release());
  }

  upload = async (tensor: Tensor): Promise<Resident> => this.#keep(this.#toOrt(tensor));

  read = async (resident: number): Promise<Tensor> => fromOrt(this.#resident(resident));

  async release(residents: readonly number[]): Promise<void> {
    for (const id of residents) {
      this.#residents.get(id)?.dispose();
      this.#residents.delete(id);
    }
  }

  async close(): Promise<void> {
    for (const id of [...this.#sessions.keys()]) await this.unload(id);
    await this.release([...this.#residents.keys()]);
  }

  /** One after the other: ONNX Runtime in the browser refuses a second run before the first has ended. */
  #inTurn<T>(failure: string, act: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(act).catch((cause: unknown) => {
      const reason = cause instanceof Error ? cause.message.trim() : String(cause);
      throw new RuntimeUnavailableError(`${failure}: ${reason}`, { cause });
    });
    this.#last = turn.catch(() => {});
    return turn;
  }

  #session(id: number) {
    const found = this.#sessions.get(id);
    if (!found) throw new Error(`session ${id} is closed`);
    return found;
  }

  #resident(id: number): OrtTensor {
    const found = this.#residents.get(id);
    if (!found) throw new Error(`resident tensor ${id} was released`);
    return found;
  }

  #keep(tensor: OrtTensor): Resident {
    this.#residents.set(++this.#count, tensor);
    return { resident: this.#count, dtype: tensor.type as DType, shape: tensor.dims };
  }

  #toOrt(feed: Feed): OrtTensor {
    if ("resident" in feed) return this.#resident(feed.resident);
    const Constructor = this.#ort.Tensor as new (type: DType, data: unknown, dims: Shape) => OrtTensor;
    // The binding for Node takes no feed in shared memory.
    const shared = typeof SharedArrayBuffer !== "undefined" && feed.data.buffer instanceof SharedArrayBuffer;
    return new Constructor(feed.dtype, shared ? feed.data.slice() : feed.data, feed.shape);
  }
}

const fromOrt = async (t: OrtTensor): Promise<Tensor> =>
  ({ dtype: t.type, shape: t.dims, data: await t.getData() }) as Tensor;
