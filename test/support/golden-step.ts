import { expect } from "vitest";
import { type Tensor, toNumbers } from "../../src/graph/index.js";
import type { Executor } from "../../src/run/executor.js";
import { ReferenceExecutor } from "../../src/run/reference.js";
import { relativeError } from "./closeness.js";
import { goldenTraining, repeat } from "./golden-training.js";

/**
 * Passes where one whole training step in float32, `accumulate` and `update`, gives PyTorch's loss and gradients and the
 * reference's next parameters, within 1e-4.
 * @param name one of `test/golden/vit/sas-*`
 */
export async function expectGoldenStep(name: string, executor: Executor): Promise<void> {
  const training = await goldenTraining(name, "float32");
  const { parameters, history } = await repeat(training, executor, "float32", 1);
  const { loss, sums } = history[0] as (typeof history)[number];
  const expectClose = (got: ArrayLike<number>, wanted: ArrayLike<number>, what: string) =>
    expect(relativeError(got, wanted), what).toBeLessThan(1e-4);

  expectClose([loss], [toNumbers(training.golden.get("losses"))[0] as number], "loss");
  for (const [key, wanted] of training.golden.below("gradient/")) {
    expectClose(toNumbers(sums[`sums/${key}`] as Tensor), toNumbers(wanted), `gradient of ${key}`);
  }
  const judged = await repeat(await goldenTraining(name, "float64"), new ReferenceExecutor(), "float64", 1);
  for (const [key, wanted] of Object.entries(judged.parameters)) {
    expectClose(toNumbers(parameters[key] as Tensor), toNumbers(wanted), `next ${key}`);
  }
}
