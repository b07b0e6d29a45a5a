import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exportNetwork } from "../../src/platform/export.js";
import { predict } from "../../src/platform/predict.js";
import { makeTinyTask } from "../support/tiny-task.js";
import { launch, openPage, whyNoBrowser } from "./chromium.js";

let browser: Browser | undefined;
let folder: string;
beforeAll(async () => {
  if (whyNoBrowser) return;
  folder = await makeTinyTask();
  browser = await launch();
}, 120_000);
afterAll(async () => {
  await browser?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

const library = "/node_modules/@huggingface/transformers";

describe.skipIf(whyNoBrowser)(`transformers.js in a browser${whyNoBrowser}`, () => {
  it("answers as predict does, offline, from files beside the page", async () => {
    const [backbone, out] = [join(folder, "backbone"), join(folder, "exported")];
    await exportNetwork({ backbone, format: "transformers-js", out });
    const photo = join(folder, "photo.png");
    const wave = Uint8Array.from({ length: 90 * 61 * 3 }, (_, i) => 128 + 120 * Math.sin(i / 31) * Math.cos(i / 700));
    await sharp(wave, { raw: { width: 90, height: 61, channels: 3 } })
      .png()
      .toFile(photo);

    const page = await openPage(browser as Browser);
    await page.route("**/exported/**", (route) => {
      const file = join(folder, new URL(route.request().url()).pathname);
      return existsSync(file) ? route.fulfill({ body: readFileSync(file) }) : route.fulfill({ status: 404 });
    });
    const found = (await page.evaluate(
      `(async () => {
        const { env, pipeline } = await import("${library}/dist/transformers.min.js");
        Object.assign(env, { allowRemoteModels: false, allowLocalModels: true, localModelPath: "/", useBrowserCache: false });
        env.backends.onnx.wasm.wasmPaths = location.origin + "${library}/node_modules/onnxruntime-web/dist/";
        const classify = await pipeline("image-classification", "exported", { device: "wasm" });
        return classify("data:image/png;base64,${readFileSync(photo).toString("base64")}", { top_k: 5 });
      })()`,
    )) as { label: string; score: number }[];
    const scores = new Map(found.map(({ label, score }) => [label, score]));
    for await (const { top } of predict([photo], { backbone, topK: 5 })) {
      expect(found[0]?.label).toBe(top[0]?.class);
      for (const { class: name, probability } of top)
        expect(Math.abs((scores.get(name) ?? 9) - probability)).toBeLessThan(1e-3);
    }
  }, 120_000);
});
