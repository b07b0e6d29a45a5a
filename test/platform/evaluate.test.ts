import { cpSync, existsSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConfigError } from "../../src/errors.js";
import { evaluate } from "../../src/platform/evaluate.js";
import { train } from "../../src/platform/train.js";
import { makeTinyTask } from "../support/tiny-task.js";

const entry = new URL("../../dist/platform/ort-worker.js", import.meta.url);
const reason = existsSync(entry) ? "" : " (skipped: run `npm run build` first)";

describe.skipIf(reason)(`the evaluation of a run${reason}`, () => {
  let folder: string;
  beforeAll(async () => {
    folder = await makeTinyTask();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("calls no image that was trained on validation", async () => {
    const [data, run] = [join(folder, "data"), join(folder, "final")];
    await train({ backbone: join(folder, "backbone"), data, out: run, final: true, epochs: 1 }, { report: "none" });
    // Its data named once more are still its own, however they are spelt.
    for (const own of [{}, { data }, { data: `${relative(".", data)}/` }]) {
      const refused = evaluate({ run, ...own, split: "val" });
      await expect(refused).rejects.toThrow(ConfigError);
      await expect(refused).rejects.toThrow(/there is no val split; present: train, test/);
    }
    expect((await evaluate({ run, split: "train" })).images).toBe(3 * (8 + 4));
    expect((await evaluate({ run })).images).toBe(3 * 3);
    // Other data have a validation split of their own.
    const other = join(folder, "other");
    cpSync(data, other, { recursive: true });
    expect((await evaluate({ run, data: other, split: "val" })).images).toBe(3 * 4);
  });
});
