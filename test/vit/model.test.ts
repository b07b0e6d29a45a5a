import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { graph, input, type Tensor, tensor, toNumbers, weight } from "../../src/graph/index.js";
import { openBackbone } from "../../src/platform/backbone.js";
import type { Executor } from "../../src/run/executor.js";
import { OrtExecutor } from "../../src/run/ort.js";
import { ReferenceExecutor } from "../../src/run/reference.js";
import type { Architecture } from "../../src/vit/architecture.js";
import { type Checkpoint, readCheckpoint } from "../../src/vit/checkpoint.js";
import { parseConfig } from "../../src/vit/config.js";
import { classify, features, type Normalization } from "../../src/vit/model.js";
import { bytesSource, readSafetensors } from "../../src/vit/safetensors.js";
import { readGolden } from "../golden/vit/read.js";
import { relativeError } from "../support/closeness.js";
import { as } from "../support/golden-training.js";

const names = [
  "token",
  "avg",
  "avg-with-class-token",
  "avg-norm-first",
  "no-qkv-bias",
  "eps",
  "patch-16",
  "resized",
  "resized-wide",
];

/** Features and logits of a whole network. */
async function run(
  executor: Executor,
  a: Architecture,
  normalization: Normalization,
  weights: (name: string) => Tensor,
  pixels: Tensor,
  dtype: "float32" | "float64",
) {
  const images = input("images", pixels.shape, "uint8");
  const pooled = features(a, { images, normalization, dtype });
  const head = [weight("head.weight", [a.classes, a.width], dtype), weight("head.bias", [a.classes], dtype)] as const;
  const session = await executor.load(
    graph("network", { features: pooled, logits: classify(pooled, ...head) }),
    (name) => as(dtype, weights(name)),
  );
  const result = await session.run({ images: pixels });
  await session.close();
  return result as { features: Tensor; logits: Tensor };
}

async function golden(name: string) {
  const file = await readGolden(name);
  const tensors = new Map([...file.tensors].filter(([key]) => !key.startsWith("golden.")));
  const checkpoint: Checkpoint = readCheckpoint(tensors, parseConfig(JSON.stringify(file.settings.config), name), name);
  // timm resizes positions in float32; its own result keeps the comparison exact.
  const positions = file.tensors.get("golden.pos_embed");
  const pixels = file.get("golden.pixels");
  const architecture = {
    ...checkpoint.architecture,
    imageSize: pixels.shape.slice(1, 3) as unknown as readonly [number, number],
  };
  const weights = (key: string): Tensor =>
    key === "pos_embed" && positions ? positions : (checkpoint.weights.get(key) as Tensor);
  return { file, architecture, contract: checkpoint.contract, weights, pixels };
}

describe("the network equals timm's", () => {
  it.each(names)("%s, in double precision", async (name) => {
    const { file, architecture, contract, weights, pixels } = await golden(name);
    const result = await run(new ReferenceExecutor(), architecture, contract, weights, pixels, "float64");
    expect(relativeError(toNumbers(result.features), toNumbers(file.get("golden.features")))).toBeLessThan(1e-9);
    expect(relativeError(toNumbers(result.logits), toNumbers(file.get("golden.logits")))).toBeLessThan(1e-9);
  });

  // Not in float64: ONNX Runtime has no Erf in double precision.
  it.each(names)("%s, in ONNX Runtime, float32", async (name) => {
    const { file, architecture, contract, weights, pixels } = await golden(name);
    const executor = OrtExecutor.over(ort);
    const result = await run(executor, architecture, contract, weights, pixels, "float32");
    await executor.close();
    expect(relativeError(toNumbers(result.logits), toNumbers(file.get("golden.logits")))).toBeLessThan(2e-6);
  });
});

const folder = new URL("../../../shared/weights/vit_tiny_patch16_224/", import.meta.url).pathname;

describe.skipIf(!existsSync(folder))("the real ViT-Ti of ../shared (skipped where it is absent)", () => {
  it("gives PyTorch's features and logits within rtol 1e-3, atol 1e-4", async () => {
    const { architecture, contract, weights } = await openBackbone(folder);
    const path = `${folder}golden/golden.safetensors`;
    const { tensors } = await readSafetensors(bytesSource(path, new Uint8Array(await readFile(path))));
    const all = tensors.get("pixels") as Tensor;
    const pixels = tensor("uint8", all.shape, Uint8Array.from(all.data as Uint8Array));
    const executor = OrtExecutor.over(ort);
    const result = await run(
      executor,
      architecture,
      contract,
      (name) => weights.get(name) as Tensor,
      pixels,
      "float32",
    );
    await executor.close();
    for (const key of ["features", "logits"] as const) {
      const wanted = toNumbers(tensors.get(key) as Tensor);
      const worst = Math.max(
        ...toNumbers(result[key]).map(
          (x, i) => Math.abs(x - (wanted[i] as number)) - 1e-3 * Math.abs(wanted[i] as number),
        ),
      );
      expect(worst, key).toBeLessThan(1e-4);
    }
  });
});
