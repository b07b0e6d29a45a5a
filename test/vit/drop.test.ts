import { describe, expect, it } from "vitest";
import { graph, input, mul, scalar, type Tensor, tensor, tensorOf, toNumbers } from "../../src/graph/index.js";
import type { AnyMethod } from "../../src/methods/index.js";
import { ReferenceExecutor } from "../../src/run/reference.js";
import type { StepOptions, TrainingStep } from "../../src/train/step.js";
import { dropping } from "../../src/vit/drop.js";
import { features } from "../../src/vit/model.js";
import {
  batch,
  type Case,
  cases,
  normalization,
  randomAdapter,
  randomBackbone,
  randomImages,
  stepOf,
  tiny,
} from "../methods/cases.js";
import { relativeError } from "../support/closeness.js";

const reference = new ReferenceExecutor();
const frozen = randomBackbone(tiny);
const images = randomImages(tiny);
const stepWith = (one: Case, more: Partial<StepOptions>): TrainingStep => stepOf(tiny, one, more);

type Fill = (image: number, at: number, name: string) => number;

async function logitsOf(
  step: TrainingStep,
  parameters: Record<string, Tensor>,
  fill: Fill = () => 1,
): Promise<number[]> {
  const session = await reference.load(step.accumulate, frozen);
  const masks = step.masks.map(({ name, count }) => {
    const data = new Uint8Array(batch * count).map((_, i) => fill(Math.floor(i / count), i % count, name));
    return [`masks/${name}`, tensor("uint8", [batch, count], data)] as const;
  });
  const found = await session.run({
    ...parameters,
    ...step.zeroSums(),
    ...Object.fromEntries(masks),
    images,
    targets: tensorOf("float32", [batch, 5], new Array(10).fill(0.2)),
    weights: tensorOf("float32", [batch], [0.5, 0.5]),
  });
  await session.close();
  return Array.from(toNumbers(found.logits as Tensor));
}

/** What comes behind the dropout of each method and is linear there: dropout's factor may as well be in it. */
const behind: Readonly<Record<string, (name: string) => boolean>> = {
  lora: (name) => name.endsWith(".up"),
  vera: (name) => name.endsWith(".outer"),
  "fact-tt": (name) => name === "fact.v",
  "fact-tk": (name) => name === "fact.v",
  arc: (name) => name.endsWith(".scale"),
  adapter: (name) => name.endsWith(".up.weight"),
  adaptformer: (name) => name.endsWith(".up.weight"),
  convpass: (name) => name.endsWith(".up.weight"),
  "rep-adapter": (name) => name.endsWith(".up.weight"),
  "vpt-shallow": (name) => name.startsWith("prompts."),
  "vpt-deep": (name) => name.startsWith("prompts."),
};
const dropped = cases.filter(({ method }) => behind[method.name]);
const sasCases = cases.filter(({ method, options: o }) => method.name === "sas" && (o.form !== "affine" || o.shared));

/** The parameters with `factor` in what stands behind the dropout. */
function scaled({ method, options }: Case, given: Record<string, Tensor>, factor: number): Record<string, Tensor> {
  const scale = ({ dtype, shape, data }: Tensor, has: (at: number) => boolean): Tensor =>
    tensorOf(
      dtype,
      shape,
      Array.from(toNumbers({ dtype, shape, data } as Tensor), (value, at) => value * (has(at) ? factor : 1)),
    );
  const isRow = (at: number): boolean => options.form === "low-rank" && at % (2 * tiny.width) >= tiny.width;
  return Object.fromEntries(
    Object.entries(given).map(([name, t]) => {
      if (method.name !== "sas") return [name, scale(t, () => behind[method.name]?.(name) ?? false)];
      const isOutput = name === "sas.hyper.weight" || name === "sas.hyper.bias";
      return [name, scale(t, (at) => (isOutput ? isRow(at) : /^sas\.(attn|mlp)\.up$/.test(name)))];
    }),
  );
}

describe.each([...dropped, ...sasCases].map((one) => [one.title, one] as const))("dropout in %s", (_, one) => {
  const parameters = randomAdapter(tiny, one);

  it("is a factor of 1/keep on what stays, in the place where it acts", async () => {
    const step = stepWith(one, { dropout: 0.5 });
    expect(step.masks.length).toBeGreaterThan(0);
    const wanted = await logitsOf(stepWith(one, {}), scaled(one, parameters, 2));
    expect(relativeError(await logitsOf(step, parameters), wanted)).toBeLessThan(1e-6);
  });

  it("with nothing left is the network without what stands behind it", async () => {
    const wanted = await logitsOf(stepWith(one, {}), scaled(one, parameters, 0));
    const got = await logitsOf(stepWith(one, { dropout: 0.5 }), parameters, () => 0);
    expect(relativeError(got, wanted)).toBeLessThan(1e-6);
  });

  it("of one image leaves the other alone", async () => {
    const step = stepWith(one, { dropout: 0.3, dropPath: 0.4 });
    const pattern: Fill = (_, at, name) => (at * 7 + name.length) % 3 && 1;
    const first = await logitsOf(step, parameters, pattern);
    const second = await logitsOf(step, parameters, (image, at, name) => (image === 0 ? pattern(0, at, name) : 0));
    expect(second.slice(0, 5)).toEqual(first.slice(0, 5));
    expect(second.slice(5)).not.toEqual(first.slice(5));
  });
});

describe("dropout", () => {
  const lora = cases.find(({ title }) => title === "lora {}") as Case;

  it("of LoRA zeroes inputs: a column that is zero for every token is a row of `down` that is zero", async () => {
    const parameters = randomAdapter(tiny, lora);
    const without = Object.fromEntries(
      Object.entries(parameters).map(([name, t]) => {
        const rank = t.shape[1] ?? 1;
        const isDown = name.endsWith(".down");
        const values = Array.from(toNumbers(t), (v, at) => v * (isDown ? (Math.floor(at / rank) === 4 ? 0 : 2) : 1));
        return [name, tensorOf(t.dtype, t.shape, values)];
      }),
    );
    const got = await logitsOf(stepWith(lora, { dropout: 0.5 }), parameters, (_, at) => Number(at % tiny.width !== 4));
    expect(relativeError(got, await logitsOf(stepWith(lora, {}), without))).toBeLessThan(1e-6);
  });

  it("is not in what predicts, and nothing is drawn where none is asked for", () => {
    const step = stepWith(lora, { dropout: 0.5, dropPath: 0.5 });
    expect(step.predict.inputs.filter(({ name }) => name.startsWith("masks/"))).toEqual([]);
    expect(step.accumulate.inputs.filter(({ name }) => name.startsWith("masks/"))).toHaveLength(step.masks.length);
    for (const one of cases) expect(stepWith(one, {}).masks).toEqual([]);
  });

  it.each(["full", "bitfit", "layer-norm", "ssf", "rlrr", "linear"])("has no place in %s", (name) => {
    const one = cases.find(({ method }) => method.name === name) as Case;
    expect(stepWith(one, { dropout: 0.5 }).masks).toEqual([]);
  });
});

describe("drop path", () => {
  const full = cases.find(({ method }) => method.name === "full") as Case;

  it("has timm's linear rule: none in the first block, all of it in the last", () => {
    const { masks } = stepWith(full, { dropPath: 0.5 });
    expect(masks.map(({ name, count, keep }) => [name, count, keep])).toEqual([
      ["path/blocks.1.attn", 1, 0.75],
      ["path/blocks.1.mlp", 1, 0.75],
      ["path/blocks.2.attn", 1, 0.5],
      ["path/blocks.2.mlp", 1, 0.5],
    ]);
  });

  it("scales each branch of each image as its mask says, the adapter's part with it", async () => {
    for (const one of cases.filter(({ method }) => ["sas", "adaptformer", "vpt-deep"].includes(method.name))) {
      const step = stepWith(one, { dropPath: 0.5 });
      const keeps = (image: number, name: string): number => (image + name.length + Number(name.at(12))) % 2;
      const parameters = randomAdapter(tiny, one);
      const got = await logitsOf(step, parameters, (image, _, name) => keeps(image, name));
      for (const image of [0, 1]) {
        // The same network made by hand for one image: each branch times its factor.
        const factors = new Map(
          step.masks.map(({ name, keep }) => [name.slice("path/".length), keeps(image, name) / keep] as const),
        );
        const method: AnyMethod = {
          ...one.method,
          adapt(a, o, value) {
            const own = one.method.adapt(a, o, value);
            return {
              ...own,
              branch(at, flow) {
                const added = own.branch?.(at, flow) ?? flow.output;
                return mul(added, scalar(factors.get(`blocks.${at.block}.${at.part}`) ?? 1, added));
              },
            };
          },
        };
        const wanted = await logitsOf(stepWith({ ...one, method }, {}), parameters);
        const [from, to] = [image * 5, image * 5 + 5];
        expect(relativeError(got.slice(from, to), wanted.slice(from, to)), one.title).toBeLessThan(1e-6);
      }
    }
  });
});

describe("dropping", () => {
  it("rounds the share to 65536ths, and never keeps nothing", () => {
    const keepOf = (dropout: number): number | undefined => {
      const { masks, ...drop } = dropping({ batch: 1, blocks: 1, dropout, dropPath: 0 });
      drop.dropout?.(input("x", [1, 4]), "here");
      return masks[0]?.keep;
    };
    expect(keepOf(0.5)).toBe(0.5);
    expect(keepOf(1 / 3)).toBe(43691 / 65536);
    expect(keepOf(1 - 1e-9)).toBe(1 / 65536);
  });

  it("does nothing in a network of one block, and is absent where the share is 0", () => {
    const { path, dropout, masks } = dropping({ batch: 1, blocks: 1, dropout: 0, dropPath: 0.9 });
    const x = input("x", [3, 2]);
    expect([dropout, path?.(x, "here", 0), masks]).toEqual([undefined, x, []]);
  });

  it("leaves the network's graph as it was", () => {
    const x = input("images", [1, ...tiny.imageSize, 3], "uint8");
    const count = (drop?: ReturnType<typeof dropping>): number =>
      graph("g", { y: features(tiny, { images: x, normalization, drop }) }).nodes.length;
    expect(count(dropping({ batch: 1, blocks: 3, dropout: 0, dropPath: 0 }))).toBe(count());
  });
});
