import { describe, expect, it } from "vitest";
import { sgd, type Tensor, toNumbers } from "../../src/graph/index.js";
import { methodOf } from "../../src/methods/index.js";
import { ReferenceExecutor } from "../../src/run/reference.js";
import { assembleStep } from "../../src/train/assemble.js";
import { parseConfig } from "../../src/train/config.js";
import { isUndecayed, layerOf, layerRate } from "../../src/train/parameter-groups.js";
import { parametersOf } from "../../src/vit/architecture.js";
import { normalization, tiny } from "../methods/cases.js";

const initial = "backbone" as const;

describe("isUndecayed", () => {
  it("spares what timm spares (1.0.31): all but the kernels", () => {
    const decayed = parametersOf({ ...tiny, blocks: 1 })
      .filter((p) => !isUndecayed({ ...p, group: "backbone", initial }))
      .map(({ name }) => name);
    expect(decayed).toEqual([
      "patch_embed.proj.weight",
      "blocks.0.attn.qkv.weight",
      "blocks.0.attn.proj.weight",
      "blocks.0.mlp.fc1.weight",
      "blocks.0.mlp.fc2.weight",
      "head.weight",
    ]);
  });
});

describe("layerRate", () => {
  it("is BEiT's: 0.65^13 for the embedding of 12 blocks, 0.65 for the last block, 1 behind it", () => {
    const rates = [
      "cls_token",
      "pos_embed",
      "patch_embed.proj.weight",
      "blocks.0.norm1.bias",
      "blocks.11.mlp.fc2.weight",
    ];
    const wanted = [13, 13, 13, 12, 1].map((n) => 0.65 ** n);
    expect(rates.map((name) => layerRate(name, 12, 0.65))).toEqual(wanted);
    expect(["norm.weight", "fc_norm.bias", "head.weight"].map((name) => layerRate(name, 12, 0.65))).toEqual([1, 1, 1]);
  });

  it("knows the block of an adapter's tensor, and that shared tensors have none", () => {
    const layers = [
      "lora.blocks.3.qkv.down",
      "adaptformer.blocks.10.up.bias",
      "prompts.2",
      "ssf.patch_embed.proj.scale",
    ];
    expect(layers.map(layerOf)).toEqual([4, 11, 3, 0]);
    expect(["norm_pre.weight", "norm_pre.bias", "norm.weight"].map(layerOf)).toEqual([0, 0, undefined]);
    expect(["sas.attn.down", "fact.cores", "arc.attn.down", "sas.hyper.weight"].map(layerOf)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

/** What one update of SGD without momentum does to every parameter, from a gradient of ones: rate, and shrinking by decay. */
async function update(method: string, more: object) {
  const config = parseConfig(
    { ...{ backbone: "b", data: "d", out: "o", method, optimizer: "sgd", momentum: 0, clip: null }, ...more },
    "test",
  );
  const chosen = methodOf(method);
  const step = assembleStep(config, 0.1, tiny, normalization, chosen, chosen.resolve(tiny, {}), 1);
  const executor = new ReferenceExecutor();
  const session = await executor.load(step.update);
  const ones = (t: Tensor): Tensor => ({ ...t, data: (t.data as Float32Array).slice().fill(1) }) as Tensor;
  const parameters = Object.fromEntries(
    step.parameters.map(({ name }) => [name, ones(step.zeroSums()[`sums/${name}`] as Tensor)]),
  );
  const sums = Object.fromEntries(Object.entries(step.zeroSums()).map(([name, t]) => [name, ones(t)]));
  const lr = { dtype: "float32", shape: [], data: Float32Array.of(0.1) } as Tensor;
  const next = await session.run({ ...parameters, ...sums, ...step.initialState(), lr });
  return (name: string): number => toNumbers(next[`next/${name}`] as Tensor)[0] as number;
}

describe("the update", () => {
  it("moves each layer by its rate, and shrinks only matrices", async () => {
    const next = await update("full", { layerDecay: 0.5, weightDecay: 0.2, headLr: 0.1 });
    const after = (rate: number, decay: number): number => 1 - 0.1 * rate * (1 + decay);
    for (const [name, rate, decay] of [
      ["pos_embed", 0.5 ** 4, 0],
      ["patch_embed.proj.weight", 0.5 ** 4, 0.2],
      ["blocks.0.norm1.weight", 0.5 ** 3, 0],
      ["blocks.2.mlp.fc2.weight", 0.5, 0.2],
      ["norm.bias", 1, 0],
      ["head.weight", 1, 0.2],
      ["head.bias", 1, 0],
    ] as const) {
      expect(next(name), name).toBeCloseTo(after(rate, decay), 6);
    }
  });

  it("shrinks everything where that is asked for, which is the default of adapters", async () => {
    const full = await update("full", { weightDecayFor: "all", weightDecay: 0.2, headLr: 0.1 });
    const bitfit = await update("bitfit", { weightDecay: 0.2, headLr: 0.1 });
    for (const next of [full, bitfit]) {
      expect(next("blocks.0.norm1.bias")).toBeCloseTo(1 - 0.1 * 1.2, 6);
      expect(next("head.bias")).toBeCloseTo(1 - 0.1 * 1.2, 6);
    }
    const spared = await update("bitfit", { weightDecayFor: "matrices", weightDecay: 0.2, headLr: 0.1 });
    expect(spared("blocks.0.norm1.bias")).toBeCloseTo(0.9, 6);
  });

  it("adds the noise behind the clipping", async () => {
    const { trainingStep } = await import("../../src/train/step.js");
    const optimizer = sgd({ momentum: 0 });
    const options = {
      ...{ architecture: tiny, normalization, method: methodOf("linear"), methodOptions: {}, microBatch: 1 },
      ...{ optimizerOf: () => optimizer, groups: () => ({ rate: 1, decay: 0 }), clip: 1 },
    };
    const step = trainingStep({ ...options, isNoisy: true });
    const session = await new ReferenceExecutor().load(step.update);
    const fill = (value: number, prefix: string) =>
      Object.fromEntries(
        step.parameters.map(({ name, shape }) => {
          const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value);
          return [`${prefix}${name}`, { dtype: "float32", shape, data } as Tensor];
        }),
      );
    const lr = { dtype: "float32", shape: [], data: Float32Array.of(1) } as Tensor;
    const count = 5 * tiny.width + 5;
    const feeds = { ...fill(0, ""), ...fill(1, "sums/"), ...fill(0.25, "noise/"), ...step.initialState(), lr };
    const found = await session.run(feeds);
    expect((found["next/head.bias"] as Tensor).data[0]).toBeCloseTo(-(1 / Math.sqrt(count) + 0.25), 6);
    expect((found.gradientNorm as Tensor).data[0]).toBeCloseTo(Math.sqrt(count), 5);
    const quiet = trainingStep(options).update.inputs.map(({ name }) => name);
    expect(quiet.filter((name) => name.startsWith("noise/"))).toEqual([]);
  });
});

describe("an option that finds nothing to act on", () => {
  const assemble = (method: string, options: object, more: object) => {
    const config = parseConfig({ backbone: "b", data: "d", out: "o", method, ...more }, "test");
    const chosen = methodOf(method);
    return assembleStep(config, 0.1, tiny, normalization, chosen, chosen.resolve(tiny, options), 1);
  };
  it("is refused", () => {
    expect(() => assemble("ssf", {}, { dropout: 0.1 })).toThrow("dropout: ssf as it is set has no place for it");
    expect(() => assemble("sas", { form: "affine", shared: false }, { dropout: 0.1 })).toThrow("dropout: sas");
    expect(() => assemble("sas", {}, { layerDecay: 0.9 })).toThrow("layerDecay: sas trains nothing");
    expect(() => assemble("lora", {}, { layerDecay: 0.9, dropout: 0.1, dropPath: 0.1 })).not.toThrow();
  });
});
