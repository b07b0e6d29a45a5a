import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { afterAll, describe, expect, it } from "vitest";
import { graph, input, type Tensor, toNumbers, weight } from "../../src/graph/index.js";
import { openBackbone } from "../../src/platform/backbone.js";
import type { Executor } from "../../src/run/executor.js";
import { OrtExecutor } from "../../src/run/ort.js";
import { ReferenceExecutor } from "../../src/run/reference.js";
import type { Backbone } from "../../src/vit/checkpoint.js";
import { classify, features } from "../../src/vit/model.js";
import { bytesSource, readSafetensors } from "../../src/vit/safetensors.js";
import { relativeError } from "../support/closeness.js";
import { as } from "../support/golden-training.js";
import { useScratchCache } from "../support/scratch-cache.js";

useScratchCache();

const folder = join(import.meta.dirname, "../golden/vit/families");
const names = readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);

interface Family {
  readonly backbone: Backbone;
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly group: string;
  readonly contract: { readonly mean: number[]; readonly std: number[] };
}

async function open(name: string): Promise<Family> {
  const path = join(folder, `${name}.safetensors`);
  const { tensors, metadata } = await readSafetensors(bytesSource(path, new Uint8Array(await readFile(path))));
  const { group, contract } = JSON.parse(metadata.golden ?? "{}") as Pick<Family, "group" | "contract">;
  return { backbone: await openBackbone(join(folder, name)), tensors, group, contract };
}

async function run(executor: Executor, { backbone, tensors }: Family, dtype: "float32" | "float64") {
  const { architecture: a, contract: normalization, weights } = backbone;
  const pixels = tensors.get("pixels") as Tensor;
  const pooled = features(a, { images: input("images", pixels.shape, "uint8"), normalization, dtype });
  const head = [weight("head.weight", [a.classes, a.width], dtype), weight("head.bias", [a.classes], dtype)] as const;
  const outputs = { features: pooled, ...(a.classes > 0 && { logits: classify(pooled, ...head) }) };
  const session = await executor.load(graph("network", outputs), (name) => as(dtype, weights.get(name) as Tensor));
  const result = await session.run({ images: pixels });
  await session.close();
  return result;
}

const onOrt = OrtExecutor.over(ort);
afterAll(() => onOrt.close());

describe.each(names)("%s", (name) => {
  it("gives its own library's features and logits", async () => {
    const family = await open(name);
    const { tensors, backbone, contract } = family;
    expect(backbone.contract).toMatchObject(contract);
    expect(backbone.architecture.heads).toBe(2);
    const exact = await run(new ReferenceExecutor(), family, "float64");
    const fast = await run(onOrt, family, "float32");
    // What is folded in float32 and timm's numbers of half the length differ by that much from their float64 twins.
    const tolerance = /registers/.test(name) ? 1e-6 : 1e-9;
    expect("logits" in exact).toBe(tensors.has("logits"));
    for (const key of Object.keys(exact)) {
      const wanted = toNumbers(tensors.get(key) as Tensor);
      expect(relativeError(toNumbers(exact[key] as Tensor), wanted), key).toBeLessThan(tolerance);
      expect(relativeError(toNumbers(fast[key] as Tensor), wanted), key).toBeLessThan(5e-6);
    }
  });
});

it("one network has one hash, whatever it is dressed in", async () => {
  const hashes = new Map<string, Set<string>>();
  const sizes = new Map<string, number>();
  for (const name of names) {
    const { backbone, group } = await open(name);
    hashes.set(group, (hashes.get(group) ?? new Set()).add(await backbone.hash()));
    sizes.set(group, (sizes.get(group) ?? 0) + 1);
  }
  expect([...hashes].filter(([, all]) => all.size > 1).map(([group]) => group)).toEqual([]);
  expect(new Set([...hashes.values()].flatMap((all) => [...all])).size).toBe(hashes.size);
  expect(Object.fromEntries(sizes)).toMatchObject({ vit: 12, clip: 4, dino: 4, distilled: 3 });
});

describe("what is known of a family", () => {
  it.each([
    ["hf-vit-v5", { eps: 1e-12, activation: "gelu" }],
    ["hf-vit-bare", { qkvBias: false, activation: "gelu-tanh" }],
    ["hf-clip", { eps: 1e-5, activation: "quick-gelu", hasPreNorm: true, patchBias: false, classes: 0 }],
    ["openai-clip", { eps: 1e-5, activation: "quick-gelu", hasPreNorm: true, patchBias: false, classes: 0 }],
    ["timm-clip", { eps: 1e-5, activation: "quick-gelu", classes: 6 }],
    ["google-original", { eps: 1e-6, classes: 0 }],
    ["dinov2", { eps: 1e-6, hasLayerScale: true, registers: 0, hasPrefixPositions: true }],
    ["dinov2-registers", { eps: 1e-6, hasLayerScale: true, registers: 4, hasPrefixPositions: false }],
    ["deit3", { hasLayerScale: true, hasPrefixPositions: false, classes: 5 }],
    ["deit-distilled", { hasDistillationToken: true, classes: 0 }],
  ])("%s", async (name, expected) => {
    expect((await open(name)).backbone.architecture).toMatchObject(expected);
  });

  it("the images its processor makes", async () => {
    expect((await open("hf-clip")).backbone.contract).toMatchObject({ cropFraction: 0.75, cropMode: "center" });
    expect((await open("hf-vit-v5")).backbone.contract).toMatchObject({
      cropFraction: 1,
      cropMode: "squash",
      interpolation: "bicubic",
      classNames: ["owl", "cat", "fox", "bee", "cod"],
    });
    expect((await open("dino")).backbone.contract).toMatchObject({ cropFraction: 0.875 });
  });

  it("what was left out, and why", async () => {
    const { unused } = (await open("hf-clip")).backbone;
    expect(unused).toContain("text_projection.weight");
    expect(unused).toContain("vision_model.embeddings.position_ids");
    expect(unused.some((name) => name.startsWith("text_model.encoder.layers.0"))).toBe(true);
    expect((await open("mae")).backbone.unused).toEqual(
      expect.arrayContaining(["mask_token", "decoder_pos_embed", "decoder_blocks.0.norm1.weight"]),
    );
    expect((await open("deit-distilled")).backbone.warnings.join()).toMatch(/two heads/);
    expect((await open("hf-dinov2-head")).backbone.warnings.join()).toMatch(/beside the mean of the patches/);
    expect((await open("google-original")).backbone.warnings.join()).toMatch(/pre_logits/);
    expect((await open("hf-vit-model")).backbone.warnings).toEqual([]);
  });
});
