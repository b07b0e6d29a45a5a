import { Worker } from "node:worker_threads";
import { ConfigError, FormatError, RuntimeUnavailableError, ShapeError } from "../errors.js";
import type { Feed } from "../run/executor.js";
import type { Engine, EngineGraph } from "../run/ort-engine.js";

/** A call of one of the engine's methods, as it travels to the worker. */
export interface Call {
  readonly id: number;
  readonly method: keyof Engine;
  readonly args: readonly unknown[];
}

/** What travels back. */
export interface Reply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly name: string; readonly message: string; readonly stack: string | undefined };
}

interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

const errorClasses = { ShapeError, FormatError, ConfigError, RuntimeUnavailableError };

/** The engine in a worker thread, seen from here. It keeps the process alive only while a call is under way. */
export class WorkerEngine implements Engine {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #count = 0;
  #ended: string | undefined;

  /** @param entry the compiled `ort-worker` */
  constructor(entry: URL, sessionOptions: object) {
    // The flags of this process are not the worker's: `--input-type` alone would keep it from starting.
    this.#worker = new Worker(entry, { workerData: sessionOptions, execArgv: [] });
    this.#worker.unref();
    this.#worker.on("message", (reply: Reply) => this.#settle(reply));
    this.#worker.on("error", (error) => this.#end(`crashed: ${error.message}`));
    this.#worker.on("exit", (code) => this.#end(`ended with code ${code}`));
  }

  load = ({ externalData, ...graph }: EngineGraph) => {
    // Weights in shared memory are read where they lie; others are copied once, and the copy moves. ONNX Runtime makes
    // its own while it loads, and then that copy is freed.
    const copies: ArrayBuffer[] = [];
    const reachable = Array.from(externalData, ({ path, data }) => {
      if (data.buffer instanceof SharedArrayBuffer) return { path, data };
      const copy = data.slice();
      copies.push(copy.buffer as ArrayBuffer);
      return { path, data: copy };
    });
    return this.#call("load", [{ ...graph, externalData: reachable }], copies) as ReturnType<Engine["load"]>;
  };
  run: Engine["run"] = (session, feeds, keep) => {
    const exact = Object.entries(feeds).map(([name, feed]) => [name, withoutSurroundings(feed)]);
    return this.#call("run", [session, Object.fromEntries(exact), keep]) as ReturnType<Engine["run"]>;
  };
  unload: Engine["unload"] = (...args) => this.#call("unload", args) as ReturnType<Engine["unload"]>;
  upload: Engine["upload"] = (tensor) =>
    this.#call("upload", [withoutSurroundings(tensor)]) as ReturnType<Engine["upload"]>;
  read: Engine["read"] = (...args) => this.#call("read", args) as ReturnType<Engine["read"]>;
  release: Engine["release"] = (...args) => this.#call("release", args) as ReturnType<Engine["release"]>;

  async close(): Promise<void> {
    if (this.#ended !== undefined) return;
    await this.#call("close", []);
    this.#ended = "is closed";
    await this.#worker.terminate();
  }

  #call(method: keyof Engine, args: readonly unknown[], moved: readonly ArrayBuffer[] = []): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(this.#unavailable(this.#ended));
    const id = ++this.#count;
    return new Promise((resolve, reject) => {
      this.#worker.postMessage({ id, method, args } satisfies Call, moved);
      this.#pending.set(id, { resolve, reject });
      this.#worker.ref();
    });
  }

  #settle({ id, result, error }: Reply): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#worker.unref();
    if (error) pending?.reject(revive(error));
    else pending?.resolve(result);
  }

  #end(how: string): void {
    this.#ended ??= how;
    for (const { reject } of this.#pending.values()) reject(this.#unavailable(this.#ended));
    this.#pending.clear();
  }

  #unavailable(how: string): RuntimeUnavailableError {
    return new RuntimeUnavailableError(
      `the thread of ONNX Runtime ${how}. Start again; with less memory in use if it crashed.`,
    );
  }
}

/** A view of a larger buffer would travel with all of that buffer. */
const withoutSurroundings = (feed: Feed): Feed =>
  "resident" in feed || feed.data.byteLength === feed.data.buffer.byteLength
    ? feed
    : ({ ...feed, data: feed.data.slice() } as Feed);

function revive({ name, message, stack }: NonNullable<Reply["error"]>): Error {
  const ErrorClass = Object.hasOwn(errorClasses, name) ? errorClasses[name as keyof typeof errorClasses] : Error;
  const error = new ErrorClass(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
