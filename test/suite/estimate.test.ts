import { describe, expect, it } from "vitest";
import { methodOf } from "../../src/methods/index.js";
import { paceLike } from "../../src/suite/estimate.js";
import { assembleStep } from "../../src/train/assemble.js";
import { parseConfig } from "../../src/train/config.js";
import type { TrainingStep } from "../../src/train/step.js";
import { architectureOf } from "../../src/vit/architecture.js";

const architecture = { ...architectureOf("vit_tiny_patch16_224"), imageSize: [64, 64] as const, classes: 10 };
function stepOf(name: string, microBatch = 2): TrainingStep {
  const config = parseConfig({ backbone: "-", data: "-", out: "-", method: name }, "test");
  const method = methodOf(name);
  const normalization = { mean: [0, 0, 0], std: [1, 1, 1] };
  return assembleStep(config, 1e-3, architecture, normalization, method, method.resolve(architecture, {}), microBatch);
}

describe("the pace of a method by that of another", () => {
  const pace = { train: 0.02, predict: 0.01, features: 0 };

  it("is the other's own for the other, however its batch is cut", () => {
    const step = stepOf("sas");
    expect(paceLike(pace, step, step)).toEqual(pace);
    const { train, predict } = paceLike(pace, step, stepOf("sas", 5));
    expect([train / pace.train, predict / pace.predict]).toEqual([expect.closeTo(1, 2), expect.closeTo(1, 2)]);
  });

  it("grows with the operations: three passes for the whole network, two beside a frozen one", () => {
    const { train, predict } = paceLike(pace, stepOf("sas"), stepOf("full"));
    expect(train / pace.train).toBeGreaterThan(1.3);
    expect(train / pace.train).toBeLessThan(1.6);
    expect(predict / pace.predict).toBeCloseTo(1, 1);
  });

  it("is for a head a look at each image at the pace of prediction, and hardly anything afterwards", () => {
    const { train, predict, features } = paceLike(pace, stepOf("sas"), stepOf("linear"));
    expect(features / pace.predict).toBeCloseTo(1, 1);
    expect(Math.max(train / pace.train, predict / pace.predict)).toBeLessThan(1e-3);
    const head = { train: 1e-5, predict: 5e-6, features: 0.01 };
    expect(paceLike(head, stepOf("linear"), stepOf("linear", 8))).toEqual({
      train: expect.closeTo(1e-5, 9),
      predict: expect.closeTo(5e-6, 9),
      features: expect.closeTo(0.01, 9),
    });
  });
});
