import {
  add,
  backward,
  crossEntropy,
  div,
  type Graph,
  graph,
  input,
  min,
  mul,
  type Optimizer,
  reduceSum,
  scalar,
  sqrt,
  type Tensor,
  tensorOf,
  type Value,
  zeros,
} from "../graph/index.js";
import type { AnyMethod } from "../methods/index.js";
import { type MethodParameter, normalOf, zerosOf } from "../methods/method.js";
import type { Architecture } from "../vit/architecture.js";
import { type Drop, dropping, type Mask } from "../vit/drop.js";
import { classify, features, type Normalization } from "../vit/model.js";

/** What a training step is built from. */
export interface StepOptions {
  /** Of the training resolution; its `classes` are the task's. */
  readonly architecture: Architecture;
  readonly normalization: Normalization;
  readonly method: AnyMethod;
  readonly methodOptions: Readonly<Record<string, unknown>>;
  /** Images per run of `accumulate`. */
  readonly microBatch: number;
  /** How each parameter moves. Two that share a state's name share its rule as well. */
  readonly optimizerOf: (parameter: MethodParameter) => Optimizer;
  /** For each parameter: factor of the learning rate, and decoupled weight decay. */
  readonly groups: (group: string, parameter: MethodParameter) => { readonly rate: number; readonly decay: number };
  /** Largest norm of the whole gradient; 0 leaves it as it is. */
  readonly clip: number;
  /** Share of an adapter's activations that is zero while training; default 0. */
  readonly dropout?: number;
  /** Share of images that skip the branches of the last block while training; default 0. */
  readonly dropPath?: number;
  /** True where noise is added to the gradient; default false. */
  readonly isNoisy?: boolean;
  /** Type of all arithmetic; default `float32`. */
  readonly dtype?: "float32" | "float64";
}

/**
 * A training step as two pure graphs. `accumulate` adds the gradient of one micro-batch to the sums; `update` moves the
 * parameters by the sums. Batch size, clipping and the mean loss act on the whole batch, however it is cut.
 */
export interface TrainingStep {
  readonly parameters: readonly MethodParameter[];
  readonly microBatch: number;
  /** What `accumulate` and `predict` take beside parameters: `images`, or `features` where only the head is trained. */
  readonly takes: "images" | "features";
  /**
   * Feeds: each parameter, `sums/<name>`, `images` `uint8 [m, height, width, 3]` or `features` `[m, width]`, `targets`
   * `[m, classes]`, `weights` `[m]`, `masks/<name>` of each mask. Outputs: `next/sums/<name>`, `loss` = Σ weights · cross-entropy, `logits` `[m, classes]`.
   */
  readonly accumulate: Graph;
  /** What `accumulate` leaves out at random. */
  readonly masks: readonly Mask[];
  /**
   * Feeds: each parameter, `sums/<name>`, `state/…`, `lr`, and `noise/<name>` where the gradient is noisy. Outputs: `next/<name>`, `next/state/…`, `gradientNorm` (before
   * clipping).
   */
  readonly update: Graph;
  /** Feeds: each parameter and `images` or `features`. Outputs: `logits`. */
  readonly predict: Graph;
  /** Where only the head is trained: `images` → `features` `[m, width]`, to be computed once per image. */
  readonly features?: Graph;
  /** First parameters. @param normal a stream of N(0, 1) draws for each tensor */
  initial(normal: (name: string) => () => number, backbone: (name: string) => Tensor): Record<string, Tensor>;
  /** First optimizer state. */
  initialState(): Record<string, Tensor>;
  /** Sums of a new batch. */
  zeroSums(): Record<string, Tensor>;
}

/** Builds the graphs of a training step. */
export function trainingStep(o: StepOptions): TrainingStep {
  const { architecture: a, optimizerOf, dtype = "float32", microBatch } = o;
  const parameters = [...o.method.parameters(a, o.methodOptions), ...headParameters(a)];
  const values = new Map<string, Value>(parameters.map((p) => [p.name, input(p.name, p.shape, dtype)]));
  const value = (name: string): Value => find(values, name);

  const images = input("images", [microBatch, ...a.imageSize, a.channels], "uint8");
  const pooledWith = (drop?: Drop): Value =>
    features(a, {
      images,
      normalization: o.normalization,
      adaptation: o.method.adapt(a, o.methodOptions, value),
      drop,
      dtype,
    });
  const isHeadOnly = parameters.length === headParameters(a).length;
  const cached = input("features", [microBatch, a.width], dtype);
  const classified = (pooled: Value): Value =>
    classify(isHeadOnly ? cached : pooled, value("head.weight"), value("head.bias"));
  const pooled = pooledWith();
  const plain = classified(pooled);
  const { dropout = 0, dropPath = 0 } = o;
  const random = dropping({ batch: microBatch, blocks: a.blocks, dropout, dropPath });
  const logits = dropout > 0 || dropPath > 0 ? classified(pooledWith(random)) : plain;

  const targets = input("targets", [microBatch, a.classes], dtype);
  const weights = input("weights", [microBatch], dtype);
  const loss = crossEntropy(logits, targets, weights);
  const trained = parameters.map((p) => value(p.name));
  const sums = new Map(parameters.map((p) => [p.name, input(`sums/${p.name}`, p.shape, dtype)]));
  const nextSums = backward(loss, trained).map((grad, i) => {
    const { name } = parameters[i] as MethodParameter;
    return [`next/sums/${name}`, add(find(sums, name), grad)] as const;
  });

  const slots = parameters.flatMap((p) =>
    optimizerOf(p).slots.map((slot) => ({ name: `state/${slot}/${p.name}`, shape: p.shape })),
  );
  const shared = Object.entries(
    Object.assign({}, ...parameters.map((p) => optimizerOf(p).shared)) as Record<string, number>,
  );
  return {
    parameters,
    microBatch,
    takes: isHeadOnly ? "features" : "images",
    accumulate: graph("accumulate", { ...Object.fromEntries(nextSums), loss, logits }),
    masks: isHeadOnly ? [] : random.masks,
    update: updateGraph(o, parameters, value, (name) => find(sums, name), dtype),
    predict: graph("predict", { logits: plain }),
    ...(isHeadOnly && { features: graph("features", { features: pooled }) }),
    initial: (normal, backbone) =>
      Object.fromEntries(
        parameters.map(({ name, shape, initial }) => [
          name,
          initial === "backbone" ? backbone(name) : tensorOf("float32", shape, initial(normal(name))),
        ]),
      ),
    initialState: () =>
      Object.fromEntries([
        ...slots.map(({ name, shape }) => [name, zeros(dtype, shape)] as const),
        ...shared.map(([name, first]) => [`state/${name}`, tensorOf(dtype, [], [first])] as const),
      ]),
    zeroSums: () => Object.fromEntries(parameters.map((p) => [`sums/${p.name}`, zeros(dtype, p.shape)])),
  };
}

/** The head of the task: small random weights as in timm, no bias. */
const headParameters = (a: Architecture): MethodParameter[] => [
  { name: "head.weight", shape: [a.classes, a.width], group: "head", initial: normalOf([a.classes, a.width], 0.02) },
  { name: "head.bias", shape: [a.classes], group: "head", initial: zerosOf([a.classes]) },
];

function updateGraph(
  { optimizerOf, groups, clip, isNoisy = false }: StepOptions,
  parameters: readonly MethodParameter[],
  value: (name: string) => Value,
  sum: (name: string) => Value,
  dtype: "float32" | "float64",
): Graph {
  const lr = input("lr", [], dtype);
  const squares = parameters.map(({ name }) => reduceSum(mul(sum(name), sum(name))));
  const norm = sqrt(squares.reduce(add));
  // As PyTorch's clip_grad_norm_, whose 1e-6 keeps a zero gradient from dividing by zero.
  const factor = clip > 0 ? min(div(scalar(clip, norm), add(norm, scalar(1e-6, norm))), scalar(1, norm)) : undefined;

  const advance = (optimizer: Optimizer): Readonly<Record<string, Value>> =>
    optimizer.advance(
      Object.fromEntries(Object.keys(optimizer.shared).map((name) => [name, input(`state/${name}`, [], dtype)])),
    );
  const advanced = new Map<Optimizer, Readonly<Record<string, Value>>>();
  const outputs: Record<string, Value> = { gradientNorm: norm };
  for (const parameter of parameters) {
    const { name, shape, group } = parameter;
    const optimizer = optimizerOf(parameter);
    const shared = advanced.get(optimizer) ?? advance(optimizer);
    advanced.set(optimizer, shared);
    const clipped = factor ? mul(sum(name), factor) : sum(name);
    const grad = isNoisy ? add(clipped, input(`noise/${name}`, shape, dtype)) : clipped;
    const state = Object.fromEntries(
      optimizer.slots.map((slot) => [slot, input(`state/${slot}/${name}`, shape, dtype)]),
    );
    const { rate, decay } = groups(group, parameter);
    const update = optimizer.step(value(name), grad, state, shared, mul(lr, scalar(rate, lr)), decay);
    outputs[`next/${name}`] = update.next;
    for (const [slot, next] of Object.entries(update.state)) outputs[`next/state/${slot}/${name}`] = next;
  }
  for (const shared of advanced.values()) {
    for (const [name, next] of Object.entries(shared)) outputs[`next/state/${name}`] = next;
  }
  return graph("update", outputs);
}

function find(values: ReadonlyMap<string, Value>, name: string): Value {
  const found = values.get(name);
  if (!found) throw new Error(`there is no parameter ${name}`);
  return found;
}
