import { afterAll, describe, expect, it } from "vitest";
import { adaptedPredictor } from "../../src/adapter/predictor.js";
import { elementCount, type Node, type Tensor, tensor, tensorOf } from "../../src/graph/index.js";
import { linear } from "../../src/methods/linear.js";
import type { Executor, Feed } from "../../src/run/executor.js";
import { ReferenceExecutor } from "../../src/run/reference.js";
import { customArchitecture, isHead, parameterCount, parametersOf } from "../../src/vit/architecture.js";
import {
  batch,
  type Case,
  cases,
  casesFor,
  normalization,
  onOrt,
  randomAdapter,
  randomBackbone,
  randomImages,
  startOf,
  stepOf,
  tiny,
} from "./cases.js";

afterAll(() => onOrt.close());

const options = { architecture: tiny, normalization, microBatch: batch };
const frozen = randomBackbone(tiny);
const images = randomImages(tiny);

async function logitsOf(executor: Executor, one: Pick<Case, "method" | "options">, feeds: Record<string, Tensor>) {
  const session = await executor.load(adaptedPredictor(options, one.method, one.options), frozen);
  const { logits } = await session.run(feeds);
  await session.close();
  return logits as Tensor;
}

describe.each(cases.map((one) => [one.title, one] as const))("%s", (_, one) => {
  const { method, options: chosen } = one;
  const step = stepOf(tiny, one);
  const start = startOf(tiny, step);

  it.runIf(method.startsAsIdentity)("starts as the frozen network, bit for bit", async () => {
    const { "head.weight": weights, "head.bias": bias } = start;
    const head = { "head.weight": weights as Tensor, "head.bias": bias as Tensor };
    const wanted = await logitsOf(onOrt, { method: linear as never, options: {} }, { ...head, images });
    const got = await logitsOf(onOrt, one, { ...start, images });
    expect(got.data).toEqual(wanted.data);
  });

  it("gives every trained tensor a gradient within two steps", async () => {
    const accumulate = await onOrt.load(step.accumulate, frozen);
    const update = await onOrt.load(step.update);
    const features = step.features && (await onOrt.load(step.features, frozen));
    const input = features ? await features.run({ images }) : { images };
    const targets = tensorOf("float32", [batch, 5], [1, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
    const example = { ...input, targets, weights: tensorOf("float32", [batch], [0.5, 0.5]) };
    let parameters = start;
    let state = step.initialState();
    let sums = step.zeroSums();
    const next = (of: Record<string, Tensor>, from: Record<string, Feed>): Record<string, Tensor> =>
      Object.fromEntries(Object.keys(of).map((name) => [name, from[`next/${name}`] as Tensor]));
    for (let i = 0; i < 3; i++) {
      sums = next(sums, await accumulate.run({ ...parameters, ...step.zeroSums(), ...example }));
      const result = await update.run({ ...parameters, ...sums, ...state, lr: tensorOf("float32", [], [1e-2]) });
      [parameters, state] = [next(parameters, result), next(state, result)];
    }
    await Promise.all([accumulate, update, features].map((session) => session?.close()));
    const all = Object.entries(sums).map(([name, sum]) => ({ name, values: Array.from(sum.data, Number) }));
    expect(all.filter(({ values }) => values.every((v) => v === 0)).map(({ name }) => name)).toEqual([]);
    expect(all.filter(({ values }) => !values.every(Number.isFinite)).map(({ name }) => name)).toEqual([]);
  });

  // RLRR trains factors of every kernel, so it needs the gradients of W′.
  it.runIf(method.name !== "rlrr")("computes no gradient of a frozen tensor", () => {
    const trained = new Set(step.parameters.map(({ name }) => name));
    const gradients = step.accumulate.nodes.filter(({ scope }) => scope.startsWith("grad/"));
    const apart = blockTensors.filter(
      ({ shape }) => !(trainVectors.has(method.name) || chosen.bias === true) || shape.length > 1,
    );
    const found = apart.filter((tensor) => gradients.some((node) => isGradientOf(tensor, node)));
    expect(found.map(({ name }) => name)).toEqual(apart.map(({ name }) => name).filter((name) => trained.has(name)));
  });

  it("computes no gradient below the first adapted site", () => {
    const scopes = step.accumulate.nodes.map(({ scope }) => scope);
    const below = belowFirstSite(one);
    expect(scopes.filter((scope) => below.test(scope))).toEqual([]);
    // And the site itself has one, so the names are those of this graph.
    expect(scopes.some((scope) => firstSite(one).test(scope))).toBe(true);
  });

  it("trains as many numbers as its formula says", () => {
    for (const a of [tiny, customArchitecture({ ...tiny, blocks: 5, pool: "avg", qkvBias: false })]) {
      const [resolved] = casesFor(a).filter(({ title }) => title === one.title);
      const stored = method.parameters(a, resolved?.options ?? {}).map(({ shape }) => elementCount(shape));
      expect(method.count(a, resolved?.options ?? {})).toBe(stored.reduce((sum, n) => sum + n, 0));
    }
  });

  it("stores each tensor once, with as many first values as its shape holds", () => {
    const parameters = method.parameters(tiny, chosen);
    expect(new Set(parameters.map(({ name }) => name)).size).toBe(parameters.length);
    for (const { name, shape } of step.parameters) {
      expect(start[name]?.shape, name).toEqual(shape);
      expect(start[name]?.data.length, name).toBe(elementCount(shape));
    }
  });

  it("treats every image of a batch alike", async () => {
    const reference = new ReferenceExecutor();
    const adapter = randomAdapter(tiny, one);
    const [first, second] = [halves(images), halves(await logitsOf(reference, one, { ...adapter, images }))];
    const swapped = await logitsOf(reference, one, { ...adapter, images: joined(first.toReversed()) });
    expect(halves(swapped)).toEqual(second.toReversed());
    expect(second[0]).not.toEqual(second[1]);
  });
});

it("full trains the whole backbone", () => {
  const [full] = cases.filter(({ method }) => method.name === "full");
  expect(full?.method.count(tiny, {})).toBe(parameterCount(tiny));
});

/** The frozen tensors of the blocks; each has a shape that nothing else in its module's scope has. */
const blockTensors = parametersOf(tiny).filter(({ name }) => name.startsWith("blocks.") && !isHead(name));

/** True for a node in the gradient of the tensor's module that computes something of the tensor's shape. */
function isGradientOf({ name, shape }: (typeof blockTensors)[number], { scope, outputs }: Node): boolean {
  const [, block, module] = /^(blocks\.\d+)\.(?:\w+\.)?(\w+)\.\w+$/.exec(name) ?? [];
  const isThere = scope.startsWith(`grad/${block}.`) && scope.endsWith(`.${module}`);
  return isThere && outputs.some((v) => v.shape.join() === shape.join());
}

/** Methods that train vectors as wide as a bias, so that only the gradients of kernels can be told apart. */
const trainVectors: ReadonlySet<string> = new Set(["bitfit", "ssf", "vera"]);

/** The lowest place that each method trains; a method with sites or targets is asked for them. */
const lowest: Readonly<Record<string, Lowest>> = {
  linear: "head",
  full: "patch_embed",
  bitfit: "patch_embed",
  ssf: "patch_embed",
  "layer-norm": "norm1",
  adapter: "branch",
  adaptformer: "branch",
  convpass: "branch",
  rlrr: "patch_embed",
  "vpt-shallow": "tokens",
  "vpt-deep": "tokens",
};
type Lowest = "head" | "patch_embed" | "tokens" | "norm1" | "qkv" | "branch" | "fc1";

function lowestOf({ method, options }: Case): Lowest {
  const sites = options.sites as string[] | undefined;
  return lowest[method.name] ?? (sites === undefined || sites.includes("attn") ? "qkv" : "fc1");
}

/** Scopes of gradients that a method must not need. */
const belowFirstSite = (one: Case): RegExp =>
  ({
    head: /blocks|patch_embed/,
    patch_embed: /^never$/,
    tokens: /^grad\/patch_embed$/,
    norm1: /^grad\/patch_embed$/,
    qkv: /^grad\/(patch_embed|blocks\.0\..*norm1$)/,
    branch: /^grad\/(patch_embed|blocks\.0\..*(norm1|qkv)$)/,
    fc1: /^grad\/(patch_embed|blocks\.0\.attn|blocks\.0\..*norm2$)/,
  })[lowestOf(one)];

/** Scopes of the lowest gradient that it does need; for `linear` that is the head's. */
const firstSite = (one: Case): RegExp =>
  ({
    head: /^grad\/$/,
    patch_embed: /^grad\/patch_embed$/,
    tokens: /^grad\/blocks\.0$/,
    norm1: /^grad\/blocks\.0\..*norm1$/,
    qkv: /^grad\/blocks\.0\..*qkv$/,
    branch: /^grad\/blocks\.0\.adapter$/,
    fc1: /^grad\/blocks\.0\..*fc1$/,
  })[lowestOf(one)];

/** A tensor of two rows as two of one. */
const halves = (t: Tensor): Tensor[] =>
  [0, 1].map((i) => {
    const size = t.data.length / 2;
    return tensor(t.dtype, t.shape.with(0, 1), t.data.slice(i * size, (i + 1) * size) as never);
  });

const joined = (parts: readonly Tensor[]): Tensor =>
  tensorOf(
    "uint8",
    (parts[0] as Tensor).shape.with(0, parts.length),
    parts.flatMap((t) => Array.from(t.data, Number)),
  );
