import { afterAll, describe, expect, it } from "vitest";
import { type Merged, type MergeOptions, merge, mergeGraph } from "../../src/adapter/merge.js";
import { plainPredictor } from "../../src/adapter/predictor.js";
import { ConfigError } from "../../src/errors.js";
import { type Tensor, toNumbers } from "../../src/graph/index.js";
import type { AnyMethod } from "../../src/methods/index.js";
import type { Executor } from "../../src/run/executor.js";
import { ReferenceExecutor } from "../../src/run/reference.js";
import { type Architecture, customArchitecture, parametersOf } from "../../src/vit/architecture.js";
import {
  batch,
  type Case,
  cases,
  casesFor,
  logitsOf,
  normalization,
  onOrt,
  randomAdapter,
  randomBackbone,
  randomImages,
  tiny,
} from "../methods/cases.js";

afterAll(() => onOrt.close());

const bare = customArchitecture({ ...tiny, qkvBias: false, hasClassToken: false, pool: "avg", finalNorm: "norm" });
const reference = new ReferenceExecutor();

const optionsFor = (architecture: Architecture, { method, options }: Case): MergeOptions => ({
  architecture,
  method,
  methodOptions: options,
});

/** The largest difference of the merged network's logits from the adapted one's, beside the largest logit. */
async function mergeError(executor: Executor, a: Architecture, one: Case): Promise<number> {
  const adapter = randomAdapter(a, one);
  const images = randomImages(a);
  const network = { normalization, microBatch: batch };
  const merged = await merge(executor, optionsFor(a, one), adapter, randomBackbone(a));
  const plain = await executor.load(
    plainPredictor({ ...network, architecture: merged.architecture }),
    (name) => merged.weights.get(name) as Tensor,
  );
  const wanted = toNumbers(await logitsOf(executor, a, one, { ...adapter, images }));
  const got = toNumbers((await plain.run({ images })).logits as Tensor);
  await plain.close();
  const largest = Math.max(...wanted.map(Math.abs));
  return Math.max(...wanted.map((w, i) => Math.abs(w - (got[i] as number)))) / largest;
}

// In the reference it is a law of every method.
describe.each([
  ["class token", tiny],
  ["no class token, no QKV bias", bare],
] as const)("merged equals adapted: %s", (_, a) => {
  const table = casesFor(a)
    .filter(({ method }) => method.folds)
    .map((one) => [one.title, one] as const);
  it.each(table)("%s, in float32", async (_, one) => {
    expect(await mergeError(onOrt, a, one)).toBeLessThan(1e-5);
  });
});

/** A method made of one answer to one site. */
const shiftAt = (block: number): AnyMethod => ({
  name: "shift",
  source: "",
  startsAsIdentity: false,
  folds: true,
  resolve: () => ({}),
  count: (a) => a.width,
  parameters: (a) => [{ name: "shift", shape: [a.width], group: "shift", initial: () => new Float64Array(a.width) }],
  adapt: (_, __, value) => ({
    input: (site) => (site.block === block && site.place === "attn.qkv" ? { shift: value("shift") } : undefined),
  }),
});

describe("a merged network", () => {
  const find = (pattern: RegExp): Case => cases.find(({ title }) => pattern.test(title)) as Case;
  const mergeOn = (a: Architecture, one: Case, frozen = randomBackbone(a)): Promise<Merged> =>
    merge(onOrt, optionsFor(a, one), randomAdapter(a, one), frozen);

  it("has the tensors of its architecture, in their order", async () => {
    for (const a of [tiny, bare]) {
      for (const one of casesFor(a).filter(({ method }) => method.folds)) {
        const { architecture, weights } = await mergeOn(a, one);
        const shapes = [...weights].map(([name, { shape }]) => ({ name, shape }));
        expect(shapes, one.title).toEqual(parametersOf(architecture));
      }
    }
  });

  it("keeps the frozen tensors that nothing changes", async () => {
    const frozen = randomBackbone(tiny);
    const { weights } = await mergeOn(tiny, find(/"affine".*"mlp"/), frozen);
    const changed = [...weights].filter(([name, t]) => t !== frozen(name)).map(([name]) => name);
    const maps = [0, 1, 2].flatMap((i) => [`blocks.${i}.mlp.fc1.weight`, `blocks.${i}.mlp.fc1.bias`]);
    expect(changed).toEqual([...maps, "head.weight", "head.bias"]);
  });

  it("takes the frozen head where the adapter has none", async () => {
    const frozen = randomBackbone(tiny);
    const { weights } = await merge(onOrt, optionsFor(tiny, find(/^linear/)), {}, frozen);
    for (const { name } of parametersOf(tiny)) expect(weights.get(name), name).toBe(frozen(name));
  });

  it("gets a QKV bias in every block where one needs it, and only there", async () => {
    const one: Case = { title: "shift", method: shiftAt(1), options: {} };
    expect(await mergeError(reference, bare, one)).toBeLessThan(1e-10);
    const { architecture, weights } = await mergeOn(bare, one);
    expect(architecture).toEqual({ ...bare, qkvBias: true });
    expect(weights.get("blocks.0.attn.qkv.bias")?.data).toEqual(new Float32Array(36));
    expect((await mergeOn(bare, find(/"core"/))).architecture).toEqual(bare);
  });

  it("is refused where a method adds what no plain network has", () => {
    const others = cases.filter(({ method }) => !method.folds);
    expect(others.length).toBeGreaterThan(0);
    for (const one of others) expect(() => mergeGraph(optionsFor(tiny, one)), one.title).toThrow(ConfigError);
  });

  it("names what changes, and nothing else is computed", () => {
    expect(Object.keys(mergeGraph(optionsFor(tiny, find(/^linear/))).outputs)).toEqual([]);
    const { outputs, weights } = mergeGraph(optionsFor(tiny, find(/"sites":\["attn"\]/)));
    const maps = [0, 1, 2].map((i) => `blocks.${i}.attn.qkv.weight`);
    expect(Object.keys(outputs)).toEqual(maps.map((name) => `merged/${name}`));
    expect(weights.map(({ name }) => name)).toEqual(maps);
  });
});
