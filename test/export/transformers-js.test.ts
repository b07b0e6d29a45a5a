import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stream } from "../../src/data/random.js";
import { exportNetwork } from "../../src/platform/export.js";
import { predict } from "../../src/platform/predict.js";
import { makeTinyTask } from "../support/tiny-task.js";

let folder: string;
beforeAll(async () => {
  folder = await makeTinyTask();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** For each image the difference of the probabilities, and whether the best class is the same. */
async function compare(backbone: string, exported: string, files: readonly string[]) {
  const script = join(import.meta.dirname, "transformers-js.mjs");
  const { stdout } = await promisify(execFile)(process.execPath, [script, exported, ...files], { maxBuffer: 2 ** 26 });
  const theirs = JSON.parse(stdout) as Record<string, number>[];
  const differences: number[] = [];
  let same = 0;
  for await (const { file, top } of predict(files, { backbone, topK: 10_000 })) {
    const found = theirs[files.indexOf(file)] ?? {};
    differences.push(Math.max(...top.map((c) => Math.abs(c.probability - (found[c.class] ?? Number.NaN)))));
    const [best] = Object.entries(found).sort(([, a], [, b]) => b - a);
    if (best?.[0] === top[0]?.class) same++;
  }
  differences.sort((a, b) => a - b);
  return { same, median: differences[differences.length >> 1], most: differences.at(-1) };
}

describe("a folder of transformers.js", () => {
  it.each(["fp32", "fp16", "int8"] as const)(
    "answers as predict does, offline, images of many sizes: %s",
    async (dtype) => {
      const { normal, uniform } = stream(2, "photos");
      mkdirSync(join(folder, "photos"), { recursive: true });
      const sizes = [
        [16, 16],
        [40, 30],
        [7, 50],
        [200, 120],
        [15, 9],
        [64, 65],
        [33, 33],
        [301, 97],
      ] as const;
      const files = await Promise.all(
        sizes.map(async ([width, height], i) => {
          const file = join(folder, "photos", `${i}.png`);
          const [a, b, c] = [1 + 5 * uniform(), normal(), normal()];
          const data = Uint8Array.from({ length: width * height * 3 }, (_, at) => {
            const [x, y] = [(Math.floor(at / 3) % width) / width, Math.floor(at / 3 / width) / height];
            return 128 + 100 * Math.sin(a * x * 6 + b * y * 9 + (at % 3) * c) + 20 * (uniform() - 0.5);
          });
          await sharp(data, { raw: { width, height, channels: 3 } })
            .png()
            .toFile(file);
          return file;
        }),
      );
      const [backbone, out] = [join(folder, "backbone"), join(folder, `exported-${dtype}`)];
      const report = await exportNetwork({ backbone, format: "transformers-js", out, dtype });
      expect(report.files.map(({ path }) => path.slice(out.length + 1).replaceAll("\\", "/")).sort()).toEqual(
        [
          "README.md",
          "config.json",
          `onnx/model${{ fp32: "", fp16: "_fp16", int8: "_quantized" }[dtype]}.onnx`,
          "preprocessor_config.json",
        ].sort(),
      );
      const { same, median, most } = await compare(backbone, out, files);
      expect(median).toBeLessThan(0.005);
      expect(most).toBeLessThan(0.02);
      if (dtype === "fp32") expect(same).toBe(files.length);
    },
  );

  const [images, weights] = ["../shared/data/other/dtd10/test", "../shared/weights/vit_tiny_patch16_224"];
  it.skipIf(!existsSync(images) || !existsSync(weights))(
    "answers as predict does on photographs (skipped where ../shared is absent)",
    async () => {
      const all = readdirSync(images, { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".jpg"))
        .sort();
      const files = all.filter((_, i) => i % 20 === 0).map((name) => join(images, name));
      const out = join(folder, "exported-real");
      await exportNetwork({ backbone: weights, format: "transformers-js", out });
      const { same, median, most } = await compare(weights, out, files);
      expect(same).toBe(files.length);
      expect(median).toBeLessThan(0.005);
      expect(most).toBeLessThan(0.02);
    },
  );
});
