import { afterAll, describe, expect, it } from "vitest";
import { type Node, type Tensor, tensor, tensorOf } from "../../src/graph/index.js";
import { methodNames } from "../../src/methods/index.js";
import { ReferenceExecutor } from "../../src/run/reference.js";
import { checkMethod } from "../../src/train/laws.js";
import { customArchitecture, isHead, parameterCount, parametersOf } from "../../src/vit/architecture.js";
import { type Case, cases, logitsOf, onOrt, randomAdapter, randomImages, startsOnOrt, stepOf, tiny } from "./cases.js";

afterAll(() => onOrt.close());

/** Deeper than wide, and without what can be left out. */
const bare = customArchitecture({
  ...{ ...tiny, blocks: 5, qkvBias: false, hasClassToken: false, pool: "avg", finalNorm: "norm" },
} as const);

describe.each(cases.map((one) => [one.title, one] as const))("%s", (_, one) => {
  const { method, options: chosen } = one;
  const step = stepOf(tiny, one);

  it("obeys the laws that any method can be held to", async () => {
    expect(await checkMethod(method, chosen)).toEqual([]);
    expect(await checkMethod(method, chosen, bare)).toEqual([]);
  });

  it.runIf(method.startsAsIdentity)("starts as the frozen network, bit for bit", async () => {
    const [start, frozen] = await startsOnOrt(tiny, one);
    expect(start.data).toEqual(frozen.data);
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

  it("treats every image of a batch alike", async () => {
    const reference = new ReferenceExecutor();
    const adapter = randomAdapter(tiny, one);
    const images = randomImages(tiny);
    const [first, second] = [halves(images), halves(await logitsOf(reference, tiny, one, { ...adapter, images }))];
    const swapped = await logitsOf(reference, tiny, one, { ...adapter, images: joined(first.toReversed()) });
    expect(halves(swapped)).toEqual(second.toReversed());
    expect(second[0]).not.toEqual(second[1]);
  });
});

it("every method of the table is here", () => {
  expect(new Set(cases.map(({ method }) => method.name))).toEqual(new Set(methodNames));
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
  if (method.name === "ssf" && !sites?.includes("embed")) return "norm1";
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
