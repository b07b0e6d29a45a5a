import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodePng } from "../../src/data/drawn-png.js";
import { stream } from "../../src/data/random.js";
import type { Candidate } from "../../src/evaluate/candidates.js";
import { exportNetwork } from "../../src/platform/export.js";
import { predict } from "../../src/platform/predict.js";
import { train } from "../../src/platform/train.js";
import { makeTinyTask } from "../support/tiny-task.js";
import { launch, openPage, whyNoBrowser } from "./chromium.js";

let folder: string;
let browser: Browser;
let page: Page;
const methods = ["sas", "lora"] as const;

/** Pictures of many sizes: smaller than the network's, larger, wide, tall, and of one pixel. */
const sizes = [
  [16, 16],
  [9, 31],
  [40, 40],
  [200, 131],
  [1, 1],
] as const;

beforeAll(async () => {
  if (whyNoBrowser) return;
  folder = await makeTinyTask();
  for (const method of methods) {
    const out = join(folder, method);
    await train({ backbone: join(folder, "backbone"), data: join(folder, "data"), out, method, epochs: 3, lr: 1e-2 });
  }
  await exportNetwork({ run: join(folder, "sas"), format: "onnx", out: join(folder, "exported"), check: false });
  await exportNetwork({
    run: join(folder, "sas"),
    format: "onnx",
    out: join(folder, "apart"),
    externalData: true,
    check: false,
  });
  mkdirSync(join(folder, "pictures"));
  for (const [i, [height, width]] of sizes.entries()) {
    const noise = stream(5, i);
    const data = Uint8Array.from({ length: height * width * 3 }, (_, at) =>
      Math.floor(60 * noise.uniform() + (at % 3 === i % 3 ? 150 : 40)),
    );
    writeFileSync(join(folder, "pictures", `${i}.png`), encodePng({ width, height, data }));
  }
  browser = await launch();
  page = await openPage(browser, folder);
}, 120_000);
afterAll(() => browser?.close());

/** What the page makes of the pictures with a classifier. @param open code that gives one @param more code behind it */
const classify = (open: string, more = ""): Promise<Candidate[][]> =>
  page.evaluate(`(async () => {
    const classifier = await (async () => { ${open} })();
    const found = [];
    for (let i = 0; i < ${sizes.length}; i++) {
      const picture = await (await fetch("/files/pictures/" + i + ".png")).blob();
      found.push(await classifier.predict(picture, { topK: 3 }));
    }
    ${more}
    await classifier.close();
    return found;
  })()`);
const adapted = (method: string, target: string): string =>
  `globalThis.network = await web.openNetwork({ ort, backbone: "/files/backbone", target: "${target}" });
   return network.adapt("/files/${method}/adapter.safetensors");`;

async function inNode(method: string): Promise<(readonly Candidate[])[]> {
  const pictures = readdirSync(join(folder, "pictures")).map((name) => join(folder, "pictures", name));
  const found: (readonly Candidate[])[] = [];
  for await (const { top } of predict(pictures, { run: join(folder, method), topK: 3 })) found.push(top);
  return found;
}

/** The same class first, and probabilities within 1e-3. */
function expectSame(here: readonly (readonly Candidate[])[], there: readonly (readonly Candidate[])[]): void {
  expect(there).toHaveLength(sizes.length);
  for (const [i, top] of there.entries()) {
    const same = here[i] ?? [];
    expect(top[0]?.class).toBe(same[0]?.class);
    for (const { index, probability } of top) {
      const other = same.find((candidate) => candidate.index === index);
      expect(Math.abs(probability - (other?.probability ?? Number.NaN))).toBeLessThan(1e-3);
    }
  }
}

describe.skipIf(whyNoBrowser)(`an adapter in a page${whyNoBrowser}`, () => {
  it.each(methods.flatMap((method) => ["wasm", "webgpu"].map((target) => [method, target] as const)))(
    "%s on %s says what Node says",
    async (method, target) => {
      expectSame(await inNode(method), await classify(adapted(method, target), "await network.close();"));
    },
  );

  it.each([
    ["wasm", "exported"],
    ["webgpu", "exported"],
    ["wasm", "apart"],
  ])("exported on %s, %s, says what Node says", async (target, place) => {
    const data = place === "apart" ? `data: "/files/apart/model.onnx_data",` : "";
    const open = `return web.openExported({ ort, model: "/files/${place}/model.onnx", ${data} target: "${target}" });`;
    expectSame(await inNode("sas"), await classify(open));
  });

  it("shares a session between adapters of one kind", async () => {
    const second = `const { create } = ort.InferenceSession;
      let created = 0;
      ort.InferenceSession.create = (...args) => { created++; return create.apply(ort.InferenceSession, args); };
      const again = await network.adapt("/files/sas/adapter.safetensors");
      const same = await again.predict(await (await fetch("/files/pictures/0.png")).blob(), { topK: 3 });
      await again.close();
      ort.InferenceSession.create = create;
      if (JSON.stringify(same) !== JSON.stringify(found[0])) throw new Error("the second adapter differs");
      if (created !== 0) throw new Error("sessions: " + created);`;
    await expect(classify(adapted("sas", "wasm"), second)).resolves.toHaveLength(sizes.length);
  });

  it.each([
    [
      "an address that is missing",
      `web.openNetwork({ ort, backbone: "/files/nothing" })`,
      /nothing\/config.json: the server says 404/,
    ],
    [
      "an adapter that is none",
      `web.openNetwork({ ort, backbone: "/files/backbone" }).then((n) => n.adapt("/files/backbone/model.safetensors"))`,
      /this safetensors file is no adapter of sas-petl/,
    ],
    [
      "bytes that are no image",
      `web.openNetwork({ ort, backbone: "/files/backbone" }).then((n) => n.adapt("/files/sas/adapter.safetensors"))
        .then((c) => c.predict(new Blob([new Uint8Array(10)])))`,
      /the browser cannot decode it/,
    ],
    [
      "an adapter of another backbone",
      `(async () => {
        const weights = new Uint8Array(await (await fetch("/files/backbone/model.safetensors")).arrayBuffer());
        weights[weights.length - 2] ^= 1;
        const network = await web.openNetwork({ ort, backbone: { config: "/files/backbone/config.json", weights } });
        return network.adapt("/files/sas/adapter.safetensors");
      })()`,
      /was trained on another backbone/,
    ],
    [
      "a model without our metadata",
      `web.openExported({ ort, model: new Uint8Array([8, 10]) })`,
      /expected a model of sas-petl export --format onnx/,
    ],
    [
      "a model that is none",
      `web.openExported({ ort, model: "/files/backbone/model.safetensors" })`,
      /expected an ONNX model/,
    ],
  ])("refuses %s", async (_, code, message) => {
    await expect(page.evaluate(code)).rejects.toThrow(message);
  });
});
