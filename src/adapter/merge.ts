import { ConfigError } from "../errors.js";
import {
  add,
  type Graph,
  gemm,
  graph,
  input,
  mul,
  reshape,
  type Tensor,
  transpose,
  type Value,
  weight,
  zeros,
} from "../graph/index.js";
import type { AnyMethod } from "../methods/index.js";
import { type Architecture, isHead, modulesOf, parametersOf } from "../vit/architecture.js";
import { type Delta, type InputChange, places } from "../vit/site.js";

/** What is merged: a network and a method's answer to it. */
export interface MergeOptions {
  readonly architecture: Architecture;
  readonly method: AnyMethod;
  readonly methodOptions: Readonly<Record<string, unknown>>;
  /** Type of all arithmetic; default `float32`. */
  readonly dtype?: "float32" | "float64";
}

/** A plain network that computes what the adapted one did. */
export interface Merged {
  /** The given one; `qkvBias` and `patchBias` are true where a shift made a bias necessary. */
  readonly architecture: Architecture;
  /** The tensors of `parametersOf(architecture)`, in that order; a folded one is of the type the executor computes in. */
  readonly weights: ReadonlyMap<string, Tensor>;
}

/** What runs a graph; every `Executor` is one. */
export interface GraphRunner {
  load(
    graph: Graph,
    weights: (name: string) => Tensor,
  ): Promise<{
    run(feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>;
    close(): Promise<void>;
  }>;
}

/**
 * The graph that folds a method's changes into the frozen maps. With `x′ = x + (x down) up + x ⊙ scale + shift` and
 * `y = x′ Wᵀ + b`: `W′ = W + (W upᵀ) downᵀ + W ⊙ scale` and `b′ = b + W shift`. A delta adds `(down up)ᵀ` to the kernel; a
 * change of the output scales kernel and bias row by row and shifts the bias. It asks the same `Adaptation` that trains.
 *
 * Feeds: the method's parameters, as far as they are needed. Outputs: `merged/<canonical name>` of every tensor that changes,
 * among them the bias of a QKV map that had none and is given a shift.
 * @throws ConfigError where the method adds what no plain network has
 */
export function mergeGraph({ architecture: a, method, methodOptions, dtype = "float32" }: MergeOptions): Graph {
  if (!method.folds) {
    throw new ConfigError(`${method.name} does not fold into the network: it adds what no plain network has.`);
  }
  const shapes = new Map(parametersOf(a).map(({ name, shape }) => [name, shape]));
  const values = new Map<string, Value>(
    method.parameters(a, methodOptions).map(({ name, shape }) => [name, input(name, shape, dtype)]),
  );
  const adaptation = method.adapt(a, methodOptions, (name) => {
    const value = values.get(name);
    if (!value) throw new Error(`method ${method.name} has no parameter ${name}`);
    return value;
  });

  const tensors = new Map<string, Value>();
  for (const [name, shape] of shapes) {
    const replaced = adaptation.tensor?.(name, weight(name, shape, dtype));
    if (replaced) tensors.set(name, replaced);
  }
  const tensor = (name: string): Value | undefined => {
    const shape = shapes.get(name);
    return tensors.get(name) ?? (shape && weight(name, shape, dtype));
  };
  for (let block = 0; block < a.blocks; block++) {
    for (const place of places) {
      const change = adaptation.input?.({ block, place });
      const delta = adaptation.delta?.({ block, place });
      const [w, b] = [`blocks.${block}.${place}.weight`, `blocks.${block}.${place}.bias`];
      const kernel = tensor(w);
      if (!kernel || !(change || delta)) continue;
      const folded = change ? foldKernel(kernel, change) : kernel;
      tensors.set(w, delta ? foldDelta(folded, delta) : folded);
      if (change?.shift) tensors.set(b, foldBias(kernel, tensor(b), change.shift));
    }
  }
  for (const { name, outputs } of modulesOf(a)) {
    const change = adaptation.output?.(name);
    const [kernel, bias] = [tensor(`${name}.weight`), tensor(`${name}.bias`)];
    if (!change || !kernel) continue;
    const { scale, shift } = change;
    if (scale) {
      const perRow = reshape(scale, [outputs, ...kernel.shape.slice(1).map(() => 1)]);
      tensors.set(`${name}.weight`, mul(kernel, perRow));
    }
    tensors.set(`${name}.bias`, bias ? add(scale ? mul(bias, scale) : bias, shift) : shift);
  }
  return graph("merge", Object.fromEntries([...tensors].map(([name, value]) => [`merged/${name}`, value])));
}

/** `W + (W upᵀ) downᵀ + W ⊙ scale`, `[out, in]` */
function foldKernel(kernel: Value, { down, up, scale }: InputChange): Value {
  const low = down && up ? gemm(gemm(kernel, up, { transB: true }), down, { transB: true, bias: kernel }) : kernel;
  return scale ? add(low, mul(kernel, scale)) : low;
}

/** `W + (down up)ᵀ`, `[out, in]` */
const foldDelta = (kernel: Value, { down, up }: Delta): Value => add(kernel, transpose(gemm(down, up), [1, 0]));

/** `b + W shift`, `[out]` */
function foldBias(kernel: Value, bias: Value | undefined, shift: Value): Value {
  const [outputs, inputs] = kernel.shape as readonly [number, number];
  const moved = reshape(gemm(reshape(shift, [1, inputs]), kernel, { transB: true }), [outputs]);
  return bias ? add(bias, moved) : moved;
}

/**
 * The adapted network as a plain one, with no cost left.
 * @param trained the adapter's tensors by name; a head among them (`head.weight`, `head.bias`) becomes the network's
 * @param frozen gives each tensor of the backbone by name, the head only if it is not among `trained`
 */
export async function merge(
  executor: GraphRunner,
  options: MergeOptions,
  trained: Readonly<Record<string, Tensor>>,
  frozen: (name: string) => Tensor,
): Promise<Merged> {
  const folding = mergeGraph(options);
  const changed = new Map<string, Tensor>();
  if (Object.keys(folding.outputs).length > 0) {
    const session = await executor.load(folding, frozen);
    const needed = new Set(folding.inputs.map(({ name }) => name));
    const feeds = Object.fromEntries(Object.entries(trained).filter(([name]) => needed.has(name)));
    const outputs = await session.run(feeds).finally(() => session.close());
    for (const [name, tensor] of Object.entries(outputs)) changed.set(name.slice("merged/".length), tensor);
  }
  const given = options.architecture;
  const qkvBias = given.qkvBias || [...changed.keys()].some((name) => name.endsWith("attn.qkv.bias"));
  const patchBias = given.patchBias || changed.has("patch_embed.proj.bias");
  const architecture = { ...given, qkvBias, patchBias };
  const known = new Set(parametersOf(given).map(({ name }) => name));
  const weights = parametersOf(architecture).map(({ name, shape }): [string, Tensor] => {
    const found = changed.get(name) ?? (isHead(name) ? trained[name] : undefined);
    // Where one QKV map needs a bias, all have one.
    return [name, found ?? (known.has(name) ? frozen(name) : zeros(options.dtype ?? "float32", shape))];
  });
  return { architecture, weights: new Map(weights) };
}
