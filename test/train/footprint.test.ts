import { describe, expect, it } from "vitest";
import { methodOf } from "../../src/methods/index.js";
import { assembleStep } from "../../src/train/assemble.js";
import { parseConfig, type TrainConfigInput } from "../../src/train/config.js";
import { bytesOf, trainingFootprint } from "../../src/train/footprint.js";
import { resolveOptions } from "../../src/train/options.js";
import { architectureOf, parameterCount } from "../../src/vit/architecture.js";

const mebibytes = (
  name: string,
  { size = 224, microBatch = 1, lanes = 2, threads = 1, ...input }: Partial<TrainConfigInput> & Record<string, unknown>,
): number => {
  const config = parseConfig({ backbone: ".", data: ".", out: ".", ...input }, "test");
  const architecture = { ...architectureOf(name), imageSize: [size, size] as [number, number], classes: 4 };
  const method = methodOf(config.method);
  const options = resolveOptions(method, architecture, config.options);
  const normalization = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
  const step = assembleStep(config, 1e-2, architecture, normalization, method, options, microBatch as number);
  const weightBytes = 4 * parameterCount(architecture);
  const footprint = trainingFootprint(step, { weightBytes, isAveraged: config.ema !== undefined });
  return bytesOf(footprint, lanes as number, threads as number) / 2 ** 20;
};

// Peaks of whole trainings with validation on two cores, Linux, Node 20, ONNX Runtime 1.30; see bench/NOTES.md.
const measured: readonly (readonly [string, Parameters<typeof mebibytes>[1], number])[] = [
  ["vit_tiny_patch16_224", {}, 385],
  ["vit_tiny_patch16_224", { method: "full", microBatch: 4 }, 994],
  ["vit_tiny_patch16_224", { method: "linear" }, 289],
  ["vit_tiny_patch16_224", { method: "vpt-deep", options: { prompts: 50 } }, 394],
  ["vit_tiny_patch16_224", { method: "adapter", dropout: 0.1, ema: 0.99 }, 385],
  ["vit_small_patch16_224", {}, 744],
  ["vit_small_patch16_224", { method: "full", microBatch: 4 }, 2405],
  ["vit_small_patch16_224", { method: "lora", options: { rank: 8 } }, 735],
  ["vit_base_patch16_224", {}, 2024],
  ["vit_large_patch16_224", { microBatch: 2, lanes: 1, threads: 2 }, 3991],
];

describe("trainingFootprint", () => {
  it.each(measured)("%s %o is within a fifth of the measured %d MiB", (name, given, peak) => {
    const ratio = mebibytes(name, given) / peak;
    expect(ratio).toBeGreaterThan(0.8);
    expect(ratio).toBeLessThan(1.2);
  });

  it("grows with images per run, image size, lanes, threads, dropout, prompts and the average of what is trained", () => {
    const tiny = (given: Parameters<typeof mebibytes>[1]) => mebibytes("vit_tiny_patch16_224", given);
    for (const [less, more] of [
      [{}, { microBatch: 2 }],
      [{ microBatch: 2 }, { microBatch: 4 }],
      [{}, { size: 384 }],
      [{}, { lanes: 3 }],
      [{}, { threads: 2 }],
      [{ method: "lora" }, { method: "lora", dropout: 0.1 }],
      [
        { method: "vpt-deep", options: { prompts: 10 } },
        { method: "vpt-deep", options: { prompts: 60 } },
      ],
      [{ method: "full" }, { method: "full", ema: 0.99 }],
    ] as const) {
      expect(tiny(more), JSON.stringify(more)).toBeGreaterThan(tiny(less));
    }
  });
});
