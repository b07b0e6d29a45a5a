import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { forecast, secondsOf } from "../../src/platform/forecast.js";

const images = { train: 10, val: 4, test: 2 };
const loading = { decode: 100, change: 1, changes: false };

describe("secondsOf", () => {
  it("decodes every image once, and changes training images in every epoch", () => {
    const { secondsPerEpoch, seconds } = secondsOf({ train: 20, predict: 5, features: 0 }, loading, images, 3);
    expect(secondsPerEpoch).toBe(10 * 21 + 4 * 5);
    expect(seconds).toBe(16 * 100 + 3 * secondsPerEpoch + 2 * 5);
  });

  it("takes the features of a head once, unless the images change", () => {
    const pace = { train: 2, predict: 1, features: 10 };
    const kept = secondsOf(pace, loading, images, 3);
    expect(kept.secondsPerEpoch).toBe(10 * 2 + 4 * 1);
    expect(kept.seconds).toBe(16 * (100 + 10) + 3 * kept.secondsPerEpoch + 2 * 1);
    const anew = secondsOf(pace, { ...loading, changes: true }, images, 3);
    expect(anew.secondsPerEpoch).toBe(10 * (2 + 10 + 1) + 4 * 1);
    expect(anew.seconds).toBe(16 * 100 + 6 * 10 + 3 * anew.secondsPerEpoch + 2 * 1);
  });
});

it("a data set of one class is refused", async () => {
  const root = await mkdtemp(join(tmpdir(), "sas-petl-one-"));
  try {
    await mkdir(join(root, "cat"));
    await writeFile(join(root, "cat", "1.png"), "");
    const start = { backbone: "vit_tiny_patch16_224", method: "full", init: "random" } as const;
    const one = forecast({ ...start, data: root, out: join(root, "run"), valFraction: 0 });
    await expect(one).rejects.toThrow(/there is one class only, "cat"/);
  } finally {
    await rm(root, { recursive: true });
  }
});
