import { ShapeError } from "../errors.js";
import type { Graph } from "../graph/graph.js";
import type { Float64Tensor } from "../graph/op.js";
import { elementCount, sameShape, type Tensor, tensor, toNumbers } from "../graph/tensor.js";
import { input, type Node, type Value } from "../graph/value.js";
import type { Executor, Feed, Resident, Session } from "./executor.js";

/**
 * The judge: interprets graphs in float64, one obvious loop per operator, whatever type the graph declares. Results
 * are float64 tensors.
 */
export class ReferenceExecutor implements Executor {
  readonly target = "reference";
  readonly #residents = new Map<number, Tensor>();

  async load(graph: Graph, weights: (name: string) => Tensor = missing): Promise<Session> {
    const frozen = new Map<Value, Float64Tensor>(graph.weights.map((w) => [w, toFloat64(checked(weights(w.name), w))]));
    return {
      run: async (feeds, keep = []) => {
        const values = new Map(frozen);
        for (const leaf of graph.inputs)
          values.set(leaf, toFloat64(checked(this.#resolve(feeds[leaf.name], leaf.name), leaf)));
        for (const node of graph.nodes) interpret(node, values);
        const results: Record<string, Tensor | Resident> = {};
        for (const [name, value] of Object.entries(graph.outputs)) {
          const { shape, data } = contentsOf(value, values);
          // A copy: an output may be a feed, and that belongs to the caller.
          const result = tensor("float64", shape, data.slice());
          results[name] = (keep as readonly string[]).includes(name) ? this.#keep(result) : result;
        }
        return results as never;
      },
      close: async () => {},
    };
  }

  upload = async (tensor: Tensor): Promise<Resident> => this.#keep(tensor);

  async read({ resident }: Resident): Promise<Tensor> {
    const found = this.#residents.get(resident);
    if (!found) throw new Error(`resident tensor ${resident} was released`);
    return found;
  }

  async release(residents: readonly Resident[]): Promise<void> {
    for (const { resident } of residents) this.#residents.delete(resident);
  }

  /** Gives back what it holds. */
  async close(): Promise<void> {
    this.#residents.clear();
  }

  #count = 0;
  #keep(result: Tensor): Resident {
    this.#residents.set(++this.#count, result);
    return { resident: this.#count, dtype: result.dtype, shape: result.shape };
  }

  #resolve(feed: Feed | undefined, name: string): Tensor {
    if (!feed) throw new ShapeError(`input ${name} was not fed`);
    if (!("resident" in feed)) return feed;
    const found = this.#residents.get(feed.resident);
    if (!found) throw new Error(`resident tensor ${feed.resident}, fed as ${name}, was released`);
    return found;
  }
}

const missing = (name: string): Tensor => {
  throw new ShapeError(`weight ${name} was not given`);
};

function checked(found: Tensor, leaf: { readonly name: string; readonly shape: readonly number[] }): Tensor {
  if (sameShape(found.shape, leaf.shape)) return found;
  throw new ShapeError(`${leaf.name}: expected [${leaf.shape}], got [${found.shape}]`);
}

const toFloat64 = (t: Tensor): Float64Tensor => ({ shape: t.shape, data: toNumbers(t) });

function contentsOf(value: Value, values: ReadonlyMap<Value, Float64Tensor>): Float64Tensor {
  const found = value.kind === "constant" ? toFloat64(value.tensor) : values.get(value);
  if (!found) throw new Error("a value was used before it was computed");
  return found;
}

/** Computes a node's outputs; an operator without a meaning of its own means its expansion. */
function interpret(node: Node, values: Map<Value, Float64Tensor>): void {
  const inputs = node.inputs.map((v) => contentsOf(v, values));
  const results = node.op.evaluate?.(inputs, node.attributes, node.outputs) ?? interpretExpansion(node, inputs);
  for (const [i, output] of node.outputs.entries()) {
    const data = Float64Array.from(results[i] as ArrayLike<number>);
    if (data.length !== elementCount(output.shape)) {
      throw new ShapeError(
        `${node.scope || "graph"}: ${node.op.type} promised [${output.shape}] and computed ${data.length} elements`,
      );
    }
    values.set(output, { shape: output.shape, data });
  }
}

function interpretExpansion(node: Node, inputs: readonly Float64Tensor[]): ArrayLike<number>[] {
  if (!node.op.expand) throw new Error(`${node.op.type} has neither a meaning nor an expansion`);
  const leaves = node.inputs.map((v, i) => input(`input${i}`, v.shape, v.dtype));
  const values = new Map<Value, Float64Tensor>(leaves.map((leaf, i) => [leaf, inputs[i] as Float64Tensor]));
  return node.op.expand(leaves, node.attributes).map((v) => evaluate(v, values).data);
}

/** Computes a value and what it needs, depth first; for expansions, which are shallow. */
function evaluate(value: Value, values: Map<Value, Float64Tensor>): Float64Tensor {
  if (value.kind === "computed" && !values.has(value)) {
    for (const v of value.node.inputs) evaluate(v, values);
    interpret(value.node, values);
  }
  return contentsOf(value, values);
}
