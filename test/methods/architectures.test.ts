import { afterAll, describe, expect, it } from "vitest";
import { merge } from "../../src/adapter/merge.js";
import { adaptedPredictor, plainPredictor } from "../../src/adapter/predictor.js";
import { elementCount, type Tensor, tensorOf, toNumbers } from "../../src/graph/index.js";
import { linear } from "../../src/methods/linear.js";
import type { Executor } from "../../src/run/executor.js";
import { ReferenceExecutor } from "../../src/run/reference.js";
import { type Architecture, customArchitecture, parametersOf } from "../../src/vit/architecture.js";
import {
  batch,
  type Case,
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
const reference = new ReferenceExecutor();

const architectures: Readonly<Record<string, Architecture>> = {
  "DINOv2 with registers": customArchitecture({
    ...tiny,
    blocks: 2,
    hasLayerScale: true,
    registers: 2,
    hasPrefixPositions: false,
  }),
  CLIP: customArchitecture({
    ...tiny,
    blocks: 2,
    hasPreNorm: true,
    patchBias: false,
    eps: 1e-5,
    activation: "quick-gelu",
  }),
  "DeiT with distillation, tanh GELU": customArchitecture({
    ...tiny,
    blocks: 2,
    hasDistillationToken: true,
    activation: "gelu-tanh",
  }),
};

async function logitsOf(
  executor: Executor,
  a: Architecture,
  one: Pick<Case, "method" | "options">,
  feeds: Record<string, Tensor>,
) {
  const options = { architecture: a, normalization, microBatch: batch };
  const session = await executor.load(adaptedPredictor(options, one.method, one.options), randomBackbone(a));
  const { logits } = await session.run(feeds);
  await session.close();
  return logits as Tensor;
}

/** The largest difference of the merged network's logits from the adapted one's, beside the largest logit. */
async function mergeError(a: Architecture, one: Case): Promise<number> {
  const adapter = randomAdapter(a, one);
  const images = randomImages(a);
  const wanted = toNumbers(await logitsOf(reference, a, one, { ...adapter, images }));
  const options = { architecture: a, method: one.method, methodOptions: one.options };
  const merged = await merge(reference, options, adapter, randomBackbone(a));
  expect([...merged.weights].map(([name, { shape }]) => ({ name, shape }))).toEqual(parametersOf(merged.architecture));
  const plain = await reference.load(
    plainPredictor({ architecture: merged.architecture, normalization, microBatch: batch }),
    (name) => merged.weights.get(name) as Tensor,
  );
  const got = toNumbers((await plain.run({ images })).logits as Tensor);
  return Math.max(...wanted.map((w, i) => Math.abs(w - (got[i] as number)))) / Math.max(...wanted.map(Math.abs));
}

describe.each(Object.entries(architectures))("every method on %s", (_, a) => {
  // Of each method, and each form of SaS, the first options: the others are held on the plain network.
  const kindOf = ({ method, options }: Case): string => `${method.name} ${options.form ?? ""}`;
  const all = casesFor(a);
  const table = all
    .filter((one, i) => all.findIndex((other) => kindOf(other) === kindOf(one)) === i)
    .map((one) => [one.title, one] as const);

  it.each(table.filter(([, { method }]) => method.startsAsIdentity))(
    "%s starts as the frozen network",
    async (_, one) => {
      const images = randomImages(a);
      const start = startOf(a, stepOf(a, one));
      const head = Object.fromEntries(Object.entries(start).filter(([name]) => name.startsWith("head.")));
      const wanted = await logitsOf(onOrt, a, { method: linear as never, options: {} }, { ...head, images });
      expect((await logitsOf(onOrt, a, one, { ...start, images })).data).toEqual(wanted.data);
    },
  );

  it.each(table.filter(([, { method }]) => method.folds))("%s merges to what it was", async (_, one) => {
    expect(await mergeError(a, one)).toBeLessThan(1e-10);
  });

  it("and counts as its formula says", () => {
    for (const [title, { method, options }] of table) {
      const stored = method.parameters(a, options).reduce((sum, { shape }) => sum + elementCount(shape), 0);
      expect(method.count(a, options), title).toBe(stored);
    }
  });

  it("and gives every trained tensor a finite gradient that is not zero", async () => {
    for (const [title, one] of table) {
      const step = stepOf(a, one);
      const session = await onOrt.load(step.accumulate, randomBackbone(a));
      const features = step.features && (await onOrt.load(step.features, randomBackbone(a)));
      const images = randomImages(a);
      const example = {
        ...(features ? await features.run({ images }) : { images }),
        targets: tensorOf("float32", [batch, 5], [1, 0, 0, 0, 0, 0, 0, 0, 1, 0]),
        weights: tensorOf("float32", [batch], [0.5, 0.5]),
      };
      const adapter = { ...startOf(a, step), ...randomAdapter(a, one) };
      const sums = await session.run({ ...adapter, ...step.zeroSums(), ...example });
      await Promise.all([session.close(), features?.close()]);
      for (const [name, sum] of Object.entries(sums).filter(([name]) => name.startsWith("next/"))) {
        const values = Array.from(sum.data, Number);
        expect(values.every(Number.isFinite), `${title} ${name}`).toBe(true);
        expect(
          values.some((v) => v !== 0),
          `${title} ${name}`,
        ).toBe(true);
      }
    }
  });
});
