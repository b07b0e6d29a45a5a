import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { train } from "../../src/platform/train.js";
import type { TrainConfigInput } from "../../src/train/config.js";

import { makeTinyTask } from "../support/tiny-task.js";

const entry = new URL("../../dist/platform/ort-worker.js", import.meta.url);
const reason = existsSync(entry) ? "" : " (skipped: run `npm run build` first)";

const everything = [
  "decode|random-resized-crop(16,0.3)|flip|vertical-flip|color-jitter(0.4,0.4,0.4,0.1)|rand-augment(2,9,0.5)",
  "random-erasing(0.5,pixel)",
].join("|");

describe.skipIf(reason)(`a training with all augmentation${reason}`, () => {
  let folder: string;
  const configOf = (out: string): TrainConfigInput => ({
    backbone: join(folder, "backbone"),
    data: join(folder, "data"),
    out: join(folder, out),
    ...{ epochs: 3, batchSize: 10, seed: 5, threads: 2, clip: null, labelSmoothing: 0.1, checkpointSeconds: 1e-3 },
    ...{ transform: everything, mixup: 0.8, cutmix: 1 },
  });
  const bytesOf = (out: string): readonly string[] =>
    ["adapter.safetensors", "metrics.jsonl"].map((name) => readFileSync(join(folder, out, name), "hex"));
  beforeAll(async () => {
    folder = await makeTinyTask();
    await train(configOf("whole"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("ends in the same bytes wherever it was interrupted", async () => {
    for (const stopAt of [1, 5]) {
      const out = `stopped-${stopAt}`;
      const controller = new AbortController();
      let steps = 0;
      const stopped = train(configOf(out), {
        signal: controller.signal,
        onEvent: ({ event }) => {
          if (event === "step" && ++steps === stopAt) controller.abort(new Error("stop"));
        },
      });
      await expect(stopped).rejects.toThrow("stop");
      await train(configOf(out), { resume: true });
      expect(bytesOf(out)).toEqual(bytesOf("whole"));
    }
  });

  it("depends on the mixing", async () => {
    await train({ ...configOf("unmixed"), mixup: 0, cutmix: 0 });
    expect(bytesOf("unmixed")[0]).not.toBe(bytesOf("whole")[0]);
  });

  it("computes the features of a linear head anew in every epoch", async () => {
    const linear = { ...configOf("linear"), method: "linear", transform: "decode|resize(16)" };
    await train(linear);
    await train({ ...linear, out: join(folder, "linear-plain"), mixup: 0, cutmix: 0 });
    expect(bytesOf("linear")[0]).not.toBe(bytesOf("linear-plain")[0]);
  });
});
