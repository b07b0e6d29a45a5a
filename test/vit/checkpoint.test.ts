import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/errors.js";
import { elementCount, type Tensor, tensorOf, zeros } from "../../src/graph/tensor.js";
import { type Architecture, architectureOf, customArchitecture, parametersOf } from "../../src/vit/architecture.js";
import { readCheckpoint } from "../../src/vit/checkpoint.js";
import { parseConfig, printConfig } from "../../src/vit/config.js";
import { completeContract } from "../../src/vit/contract.js";
import { parsePreprocessor } from "../../src/vit/hugging-face-config.js";
import { randomWeights } from "../../src/vit/random-weights.js";
import { readGolden } from "../golden/vit/read.js";

const small = customArchitecture({ imageSize: [32, 32], patchSize: 8, width: 24, blocks: 2, heads: 3, classes: 5 });
const { contract } = completeContract({ mean: [0.1, 0.2, 0.3], std: [1, 2, 3] }, [32, 32]);
const configOf = (a: Architecture) =>
  parseConfig(printConfig(a, { ...contract, imageSize: a.imageSize }), "config.json");
const zeroWeights = (a: Architecture): Map<string, Tensor> =>
  new Map(parametersOf(a).map((p) => [p.name, zeros("float32", p.shape)]));
const read = (tensors: ReadonlyMap<string, Tensor>, a?: Architecture) =>
  readCheckpoint(tensors, a && configOf(a), "model.safetensors");

describe("checkpoint", () => {
  const variants: Partial<Architecture>[] = [
    {},
    { classes: 0 },
    { pool: "avg", finalNorm: "fc_norm" },
    { pool: "avg", finalNorm: "fc_norm", hasClassToken: false },
    { pool: "avg", finalNorm: "norm" },
    { qkvBias: false },
    { imageSize: [24, 40] },
    { hidden: 50, eps: 1e-5 },
    { hasDistillationToken: true, classes: 0 },
    { hasLayerScale: true, registers: 4, hasPrefixPositions: false },
    { registers: 2 },
    { hasPrefixPositions: false },
    { hasPreNorm: true, patchBias: false, eps: 1e-5, activation: "quick-gelu" },
    { activation: "gelu-tanh" },
  ];
  it.each(variants)("finds the architecture %o in shapes and config", (changes) => {
    const a = { ...small, ...changes };
    const { architecture, weights, warnings } = read(zeroWeights(a), a);
    expect({ ...architecture, name: undefined }).toEqual({ ...a, name: undefined });
    expect([...weights.keys()]).toEqual(parametersOf(a).map((p) => p.name));
    expect(warnings).toEqual([]);
  });

  it.each(["token", "avg", "avg-with-class-token", "avg-norm-first", "no-qkv-bias", "eps", "patch-16", "resized"])(
    "reads timm's network %s",
    async (name) => {
      const golden = await readGolden(name);
      const config = parseConfig(JSON.stringify(golden.settings.config), "config.json");
      const own = new Map([...golden.tensors].filter(([key]) => !key.startsWith("golden.")));
      const { architecture, unused } = readCheckpoint(own, config, name);
      expect(unused).toEqual([]);
      expect(parametersOf(architecture)).toHaveLength(own.size);
      expect(architecture.heads).toBe(name === "patch-16" ? 2 : 3);
      expect(architecture.eps).toBe(name === "eps" ? 1e-2 : 1e-6);
      expect(architecture.pool).toBe(name.startsWith("avg") ? "avg" : "token");
      expect(architecture.finalNorm).toBe(["avg", "avg-with-class-token"].includes(name) ? "fc_norm" : "norm");
    },
  );

  it("guesses heads, mean and std without a config, and says so", () => {
    const a = architectureOf("vit_tiny_patch32_224");
    const { architecture, contract, warnings } = read(zeroWeights(a));
    expect(architecture).toEqual({ ...a, name: undefined, imageSize: [224, 224] });
    expect(contract.mean).toEqual([0.5, 0.5, 0.5]);
    expect(warnings.join()).toMatch(/number of heads; 3 are taken.*no mean and no std/);
  });

  it("trusts the position embeddings where the config names another image size", () => {
    const { architecture, warnings } = read(zeroWeights(small), { ...small, imageSize: [64, 64] });
    expect(architecture.imageSize).toEqual([32, 32]);
    expect(warnings.join()).toMatch(/config says images of 64 × 64 pixels.*for 32 × 32/);
  });

  it("takes off what wrappers put in front of names", () => {
    const wrapped = new Map([...zeroWeights(small)].map(([name, t]) => [`module.model.${name}`, t]));
    expect([...read(wrapped, small).weights.keys()]).toEqual([...zeroWeights(small).keys()]);
  });

  it("accepts another head than the config's, and none, and forgets its class names then", () => {
    const config = { ...configOf(small), contract: { ...contract, classNames: ["a", "b", "c", "d", "e"] } };
    expect(readCheckpoint(zeroWeights(small), config, "f").contract.classNames).toHaveLength(5);
    for (const classes of [0, 9]) {
      const { architecture, contract } = readCheckpoint(zeroWeights({ ...small, classes }), config, "f");
      expect(architecture.classes).toBe(classes);
      expect(contract.classNames).toBeUndefined();
    }
    const short = { ...config, contract: { ...contract, classNames: ["a"] } };
    expect(() => readCheckpoint(zeroWeights(small), short, "f")).toThrow(/names of 5 classes.*got 1/);
  });

  it("names the tensors it leaves out", () => {
    expect(read(zeroWeights(small).set("mask_token", zeros("float32", [1, 24])), small).unused).toEqual(["mask_token"]);
  });

  it("converts float64", () => {
    const tensors = zeroWeights(small).set("norm.bias", tensorOf("float64", [24], Array(24).fill(0.1)));
    expect(read(tensors, small).weights.get("norm.bias")?.data[0]).toBe(Math.fround(0.1));
  });

  it("says which network the weights are and which the config means", () => {
    const message = (a: string, b: string) => {
      try {
        const config = parseConfig(JSON.stringify({ architecture: `${b}.augreg` }), "config.json");
        readCheckpoint(zeroWeights({ ...architectureOf(a), blocks: 1 }), config, "model.safetensors");
      } catch (error) {
        return error instanceof FormatError ? error.message : error;
      }
      return undefined;
    };
    expect(message("vit_small_patch16_224", "vit_tiny_patch16_224")).toBe(
      "model.safetensors: blocks.0.attn.qkv.weight: expected [576, 192], got [1152, 384]. These weights are a ViT of width 384 with 1 blocks; the config says vit_tiny.",
    );
    expect(message("vit_tiny_patch16_224", "vit_tiny_patch32_224")).toMatch(/expected \[192, 3, 32, 32\]/);
    expect(message("vit_tiny_patch16_224", "vit_tiny_patch16_224")).toMatch(/blocks: expected 12, got 1/);
  });

  type Change = (tensors: Map<string, Tensor>) => unknown;
  it.each<[string, Change, RegExp]>([
    ["no tensors", (t) => t.clear(), /timm's tensor names.*got no tensors/],
    ["another network", (t) => t.delete("patch_embed.proj.weight"), /got cls_token, pos_embed, /],
    [
      "a missing tensor",
      (t) => t.delete("blocks.1.mlp.fc2.bias"),
      /blocks\.1\.mlp\.fc2\.bias: expected \[24\], got nothing/,
    ],
    ["half a head", (t) => t.delete("head.bias"), /head\.bias: .*needs both/],
    ["a missing block", (t) => [...t.keys()].map((k) => k.startsWith("blocks.0") && t.delete(k)), /blocks\.0/],
    [
      "a foreign tensor",
      (t) => t.set("blocks.0.gate", zeros("float32", [24])),
      /blocks\.0\.gate.*kind that is not read/,
    ],
    [
      "a misshapen tensor",
      (t) => t.set("norm.bias", zeros("float32", [25])),
      /norm\.bias: expected \[24\], got \[25\]/,
    ],
    ["positions of no grid", (t) => t.set("pos_embed", zeros("float32", [1, 18, 24])), /pos_embed: .*18 rows/],
    ["empty tensors", (t) => t.set("pos_embed", zeros("float32", [1, 0, 24])), /pos_embed/],
    ["grey images", (t) => t.set("patch_embed.proj.weight", zeros("float32", [24, 1, 8, 8])), /RGB/],
    ["integers", (t) => t.set("norm.bias", zeros("int32", [24])), /norm\.bias: .*got int32/],
    ["NaN", (t) => t.set("norm.bias", tensorOf("float32", [24], [...Array(23).fill(0), NaN])), /norm\.bias: holds NaN/],
    [
      "infinity",
      (t) => t.set("cls_token", tensorOf("float32", [1, 1, 24], [-Infinity, ...Array(23).fill(0)])),
      /NaN or inf/,
    ],
  ])("refuses %s", (_, change, message) => {
    const tensors = zeroWeights(small);
    change(tensors);
    expect(() => read(tensors, small)).toThrow(FormatError);
    expect(() => read(tensors, small)).toThrow(message);
  });
});

describe("names of more than one kind", () => {
  const qkv = (part: string) => `encoder.layer.0.attention.attention.${part}.weight`;

  it("are refused in one file, whatever they are", () => {
    const mixed = zeroWeights(small);
    for (const part of ["query", "key", "value"]) mixed.set(`vit.${qkv(part)}`, zeros("float32", [24, 24]));
    mixed.set("vit.embeddings.patch_embeddings.projection.weight", zeros("float32", [24, 3, 8, 8]));
    expect(() => read(mixed, small)).toThrow(FormatError);
    expect(() => read(mixed, small)).toThrow(/named as Hugging Face names tensors, the others as timm does; .*mixes/);
    const twice = zeroWeights(small).set("register_tokens", zeros("float32", [1, 2, 24]));
    twice.set("reg_token", zeros("float32", [1, 2, 24]));
    expect(() => read(twice, small)).toThrow(/have no place|reg_token/);
  });

  it.each([
    ["blocks.0.mlp.w12.weight", /gated MLP/],
    ["blocks.0.attn.relative_position_bias_table", /relative positions/],
    ["attn_pool.latent", /pooling by attention/],
    ["blocks.1.attn.q_norm.weight", /normalised queries/],
  ])("%s is refused by what it means", (name, message) => {
    expect(() => read(zeroWeights(small).set(name, zeros("float32", [4])), small)).toThrow(message);
  });

  it("a gated MLP under usual names is known by its shapes", () => {
    const tensors = zeroWeights(small);
    for (const i of [0, 1]) tensors.set(`blocks.${i}.mlp.fc2.weight`, zeros("float32", [24, 48]));
    expect(() => read(tensors, small)).toThrow(/SwiGLU/);
  });

  it("two of q, k and v are too few", async () => {
    const tensors = new Map<string, Tensor>([
      ["embeddings.cls_token", zeros("float32", [1, 1, 24])],
      ["embeddings.position_embeddings", zeros("float32", [1, 17, 24])],
      ["embeddings.patch_embeddings.projection.weight", zeros("float32", [24, 3, 8, 8])],
      ["embeddings.patch_embeddings.projection.bias", zeros("float32", [24])],
      ["encoder.layer.0.intermediate.dense.weight", zeros("float32", [96, 24])],
      [qkv("query"), zeros("float32", [24, 24])],
      [qkv("value"), zeros("float32", [24, 24])],
    ]);
    expect(() => read(tensors)).toThrow(FormatError);
  });
});

describe("checkpoint of whatever shapes", () => {
  it("is read or refused with a FormatError", () => {
    const names = parametersOf(small).map((p) => p.name);
    const edit = fc.tuple(
      fc.constantFrom(...names),
      fc.option(fc.array(fc.nat(40), { maxLength: 4 }), { nil: undefined }),
    );
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 5 }), fc.boolean(), (edits, withConfig) => {
        const tensors = zeroWeights(small);
        for (const [name, shape] of edits) {
          if (shape && elementCount(shape) < 1e5) tensors.set(name, zeros("float32", shape));
          else tensors.delete(name);
        }
        try {
          read(tensors, withConfig ? small : undefined);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("config", () => {
  it.each<[string, string, RegExp]>([
    ["no JSON", "{", /no valid JSON/],
    ["a list", "[]", /JSON object/],
    ["a text for a size", '{"model_args":{"depth":"12"}}', /depth: expected a positive integer, got "12"/],
    ["a huge size", '{"model_args":{"num_heads":1e300}}', /num_heads/],
    ["zero deviation", '{"pretrained_cfg":{"std":[1,0,1]}}', /std: expected three positive/],
    ["two means", '{"mean":[1,0]}', /mean: expected three numbers/],
    ["an unknown pooling", '{"global_pool":"map"}', /global_pool: expected "token" or "avg", got "map"/],
    ["a crop beyond the image", '{"crop_pct":1.1}', /crop_pct/],
    ["numbered names with a gap", '{"id2label":{"0":"a","2":"b"}}', /id2label/],
  ])("refuses %s", (_, text, message) => {
    expect(() => parseConfig(text, "config.json")).toThrow(FormatError);
    expect(() => parseConfig(text, "config.json")).toThrow(message);
  });

  it("of transformers is read, and refused where it is of another network", () => {
    const clip = { model_type: "clip", vision_config: { hidden_size: 8, num_attention_heads: 2, patch_size: 4 } };
    expect(parseConfig(JSON.stringify(clip), "f")).toMatchObject({
      stated: { width: 8, heads: 2, patchSize: 4, eps: 1e-5, activation: "quick-gelu" },
      pretraining: "clip",
    });
    const refuse = (config: object) => () => parseConfig(JSON.stringify(config), "config.json");
    expect(refuse({ model_type: "swin" })).toThrow(/model_type: expected one of vit, .*got "swin"/);
    expect(refuse({ model_type: 7 })).toThrow(FormatError);
    expect(refuse({ model_type: "vit", hidden_act: "relu" })).toThrow(/hidden_act: expected one of gelu/);
    expect(refuse({ model_type: "dinov2", use_swiglu_ffn: true })).toThrow(/SwiGLU/);
    expect(refuse({ model_type: "vit", hidden_size: 1e300 })).toThrow(/hidden_size/);
    expect(refuse({ model_args: { act_layer: "relu" } })).toThrow(/act_layer/);
  });

  it("of a preprocessor is read", () => {
    const read = (config: object) => parsePreprocessor(JSON.stringify(config), "p.json");
    const crop = { size: 256, crop_size: 224, do_center_crop: true, image_mean: [0, 0, 0], image_std: [1, 1, 1] };
    expect(read({ ...crop, resample: 2 })).toEqual({
      mean: [0, 0, 0],
      std: [1, 1, 1],
      interpolation: "bilinear",
      cropFraction: 0.875,
      cropMode: "center",
    });
    expect(read({ size: { height: 224, width: 224 } })).toMatchObject({ cropMode: "squash" });
    expect(read({ do_normalize: false })).toMatchObject({ mean: [0, 0, 0], std: [1, 1, 1] });
    for (const broken of [{ image_mean: [1] }, { resample: 9 }, { size: "224" }]) {
      expect(() => read(broken)).toThrow(FormatError);
    }
  });

  it("answers any JSON with a config or a FormatError", () => {
    const key = fc.constantFrom(
      "architecture",
      "model_args",
      "pretrained_cfg",
      "mean",
      "img_size",
      "id2label",
      "num_classes",
      "model_type",
      "vision_config",
      "hidden_act",
      "reg_tokens",
    );
    fc.assert(
      fc.property(fc.dictionary(key, fc.oneof(fc.jsonValue(), fc.dictionary(key, fc.jsonValue()))), (value) => {
        try {
          parseConfig(JSON.stringify(value), "config.json");
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("keeps every hidden size through timm's ratio", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 20000 }), (width, hidden) => {
        expect(configOf({ ...small, width, hidden }).stated.hidden).toBe(hidden);
      }),
    );
  });

  it("reads class names in each of the places they are kept", () => {
    const names = ["cat", "dog"];
    for (const config of [
      { label_names: names },
      { pretrained_cfg: { label_names: names } },
      { id2label: { 1: "dog", 0: "cat" } },
    ]) {
      expect(parseConfig(JSON.stringify(config), "f").contract.classNames).toEqual(names);
    }
  });
});

describe("randomWeights", () => {
  it("starts every tensor as timm does", () => {
    let turn = 0;
    const weights = randomWeights(small, () => () => (turn++ % 2 ? 1 : -1));
    expect([...weights].map(([name, t]) => [name, elementCount(t.shape)])).toEqual(
      parametersOf(small).map((p) => [p.name, elementCount(p.shape)]),
    );
    const size = (name: string) => Math.abs(weights.get(name)?.data[0] ?? Number.NaN);
    expect(size("blocks.1.norm2.weight")).toBe(1);
    expect(size("norm.weight")).toBe(1);
    expect(size("blocks.0.attn.qkv.bias")).toBe(0);
    expect(size("blocks.0.attn.qkv.weight")).toBeCloseTo(0.02, 8);
    expect(size("pos_embed")).toBeCloseTo(0.02, 8);
    expect(size("cls_token")).toBeCloseTo(1e-6, 12);
    expect(size("patch_embed.proj.weight")).toBeCloseTo(1 / 24, 8);
  });
});
