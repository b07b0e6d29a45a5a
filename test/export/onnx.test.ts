import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import * as ort from "onnxruntime-node";
import { afterAll, describe, expect, it } from "vitest";
import type { RgbImage } from "../../src/data/image.js";
import { stream } from "../../src/data/random.js";
import { applyTransform, parseTransform } from "../../src/data/transform.js";
import { resizingOf } from "../../src/export/hf-config.js";
import { tensor } from "../../src/graph/index.js";
import { inlineModel, outlineModel } from "../../src/onnx/model-file.js";
import { ModelProtoSchema } from "../../src/onnx/onnx_pb.js";
import { customArchitecture } from "../../src/vit/architecture.js";
import { type Case, cases, casesFor, normalization, onOrt, tiny } from "../methods/cases.js";
import { adaptedLogits, errorBeside, joined, modelOf, networkOf, randomPixels, runFile, runModel } from "./network.js";

afterAll(() => onOrt.close());

const bare = customArchitecture({ ...tiny, qkvBias: false, hasClassToken: false, pool: "avg", finalNorm: "norm" });
const find = (pattern: RegExp): Case => cases.find(({ title }) => pattern.test(title)) as Case;

describe.each([
  ["class token", tiny],
  ["no class token, no QKV bias", bare],
] as const)("the exported model equals the adapted network: %s", (_, a) => {
  it.each(casesFor(a).map((one) => [one.title, one] as const))("%s", async (_, one) => {
    const model = await modelOf(await networkOf(a, one), "fp32");
    const file = joined(inlineModel(model).model);
    for (const count of [1, 2, 5]) {
      const got = await runFile(file, randomPixels(a, count));
      expect(errorBeside(await adaptedLogits(a, one, count), got)).toBeLessThan(1e-5);
    }
  });
});

describe("an exported model", () => {
  const one = find(/^sas .*"low-rank"/);

  it("has no trace of the adapter, standard operators alone, and says what it is", async () => {
    const model = await modelOf(await networkOf(tiny, one), "fp32");
    const { graph, metadataProps, opsetImport } = fromBinary(ModelProtoSchema, joined(inlineModel(model).model));
    const names = [...(graph?.initializer ?? []), ...(graph?.node ?? [])].map(({ name }) => name);
    expect(names.filter((name) => /sas|adapter|lora/.test(name))).toEqual([]);
    expect(opsetImport.map(({ domain, version }) => [domain, version])).toEqual([["", 21n]]);
    expect(graph?.node.filter(({ domain }) => domain !== "")).toEqual([]);
    const texts = Object.fromEntries(metadataProps.map(({ key, value }) => [key, value]));
    expect(JSON.parse(texts.labels ?? "")).toEqual(["a", "b", "c", "d", "e"]);
    expect(texts).toMatchObject({ base_model: "tiny", image_mean: JSON.stringify(normalization.mean) });
  });

  it("is the same with its weights beside it", async () => {
    const model = await modelOf(await networkOf(tiny, one), "fp32");
    const pixels = randomPixels(tiny);
    const folder = mkdtempSync(join(tmpdir(), "sas-petl-onnx-"));
    try {
      const { model: file, data } = outlineModel(model, "model.onnx_data");
      const [graph, weights] = [joined(file), joined(data ?? { byteLength: 0, pieces: [] })];
      expect([graph.length, weights.length]).toEqual([file.byteLength, data?.byteLength]);
      writeFileSync(join(folder, "model.onnx"), graph);
      writeFileSync(join(folder, "model.onnx_data"), weights);
      const session = await ort.InferenceSession.create(join(folder, "model.onnx"));
      const { logits } = await session.run({
        pixel_values: new ort.Tensor("float32", pixels.data as Float32Array, pixels.shape),
      });
      await session.release();
      expect(logits?.data).toEqual(await runModel(model, pixels));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each([
    ["fp16", 0.02],
    ["int8", 0.1],
  ] as const)("is near in %s, and smaller", async (dtype, tolerance) => {
    const network = await networkOf(tiny, one);
    const [whole, small] = [await modelOf(network, "fp32"), await modelOf(network, dtype)];
    const pixels = randomPixels(tiny, 3);
    const error = errorBeside(await runModel(whole, pixels), await runModel(small, pixels));
    expect(error).toBeLessThan(tolerance);
    expect(error).toBeGreaterThan(0);
    const size = (model: typeof whole) => model.weights.reduce((sum, { byteLength }) => sum + byteLength, 0);
    expect(size(small)).toBeLessThan((dtype === "fp16" ? 0.51 : 0.6) * size(whole));
  });

  it("says of an image in int8 the same whatever is beside it", async () => {
    const model = await modelOf(await networkOf(tiny, one), "int8");
    const [alone, together] = [
      await runModel(model, randomPixels(tiny, 1)),
      await runModel(model, randomPixels(tiny, 4)),
    ];
    expect(errorBeside(alone, together.subarray(0, 5))).toBeLessThan(1e-6);
  });
});

describe("resizing inside the model", () => {
  const sentences = [
    "decode|resize(8x12,bicubic)",
    "decode|resize(8x12,bilinear)",
    "decode|resize-short(14,bicubic)|center-crop(8x12)",
  ];
  const sizes = [
    [8, 12],
    [20, 31],
    [5, 7],
    [60, 13],
    [15, 14],
    [97, 64],
  ] as const;
  it.each(sentences)("%s is what the loader does", async (sentence) => {
    const network = await networkOf(tiny, find(/^linear/));
    const [plain, resized] = [await modelOf(network, "fp32"), await modelOf(network, "fp32", resizingOf(sentence))];
    const [plainFile, resizedFile] = [plain, resized].map((model) => joined(inlineModel(model).model)) as [
      Uint8Array,
      Uint8Array,
    ];
    const random = stream(4, "pixels");
    for (const [height, width] of sizes) {
      const image = { height, width, data: Uint8Array.from({ length: height * width * 3 }, () => random.integer(256)) };
      const small = applyTransform(parseTransform(sentence), image, random);
      const asFloats = ({ height: h, width: w, data }: RgbImage, f: (p: number, c: number) => number) =>
        tensor(
          "float32",
          [1, 3, h, w],
          Float32Array.from({ length: 3 * h * w }, (_, i) => {
            const c = Math.floor(i / (h * w));
            return f(data[(i % (h * w)) * 3 + c] as number, c);
          }),
        );
      const { mean, std } = normalization;
      const wanted = await runFile(
        plainFile,
        asFloats(small, (p, c) => (p / 255 - (mean[c] as number)) / (std[c] as number)),
      );
      const got = await runFile(
        resizedFile,
        asFloats(image, (p) => p),
      );
      // A pixel at the edge of rounding may fall to the other side.
      expect(errorBeside(wanted, got), `${height} x ${width}`).toBeLessThan(0.01);
    }
  });

  it("knows what it cannot write down", () => {
    for (const sentence of [
      "decode|center-crop(8)",
      "decode|resize-short(6,bicubic)|center-crop(8)",
      "decode|resize(9)|center-crop(8)",
    ]) {
      expect(() => resizingOf(sentence), sentence).toThrow(/resize-short/);
    }
  });
});
