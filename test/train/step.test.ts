import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { type Tensor, toNumbers } from "../../src/graph/index.js";
import { OrtExecutor } from "../../src/run/ort.js";
import { ReferenceExecutor } from "../../src/run/reference.js";
import { relativeError } from "../support/closeness.js";
import { goldenTraining, repeat } from "../support/golden-training.js";

const names = ["sas-low-rank", "sas-affine", "sas-core", "sas-hidden"];

describe("the whole SaS step against PyTorch", () => {
  it.each(names)("%s: the reference follows 10 AdamW steps within 1e-9", async (name) => {
    const training = await goldenTraining(name, "float64");
    const { parameters, history } = await repeat(training, new ReferenceExecutor(), "float64", 10);
    const { golden } = training;
    expect(
      relativeError(
        history.map((h) => h.loss),
        toNumbers(golden.get("losses")),
      ),
    ).toBeLessThan(1e-9);
    expect(
      relativeError(
        history.map((h) => h.norm),
        toNumbers(golden.get("norms")),
      ),
    ).toBeLessThan(1e-9);
    for (const [key, wanted] of golden.below("gradient/")) {
      const sums = history[0]?.sums[`sums/${key}`] as Tensor;
      expect(relativeError(toNumbers(sums), toNumbers(wanted)), `gradient of ${key}`).toBeLessThan(1e-9);
    }
    for (const [key, wanted] of golden.below("final/")) {
      expect(relativeError(toNumbers(parameters[key] as Tensor), toNumbers(wanted)), key).toBeLessThan(1e-9);
    }
  });

  it.each(names)("%s: gradients in ONNX Runtime, float32, within 1e-4", async (name) => {
    const executor = OrtExecutor.over(ort);
    const training = await goldenTraining(name, "float32");
    const { history } = await repeat(training, executor, "float32", 1);
    await executor.close();
    for (const [key, wanted] of training.golden.below("gradient/")) {
      const sums = history[0]?.sums[`sums/${key}`] as Tensor;
      expect(relativeError(toNumbers(sums), toNumbers(wanted)), key).toBeLessThan(1e-4);
    }
  });

  it("does not depend on how the batch is cut", async () => {
    const [whole, single] = await Promise.all(
      [undefined, 1].map(async (microBatch) =>
        repeat(await goldenTraining("sas-low-rank", "float64", microBatch), new ReferenceExecutor(), "float64", 3),
      ),
    );
    for (const [key, wanted] of Object.entries(whole?.parameters ?? {})) {
      expect(relativeError(toNumbers(single?.parameters[key] as Tensor), toNumbers(wanted)), key).toBeLessThan(1e-12);
    }
  });
});
