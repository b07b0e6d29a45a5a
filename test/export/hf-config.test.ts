import { expect, it } from "vitest";
import { ConfigError } from "../../src/errors.js";
import { hfConfig, requireHfVit } from "../../src/export/hf-config.js";
import { architectureOf } from "../../src/vit/architecture.js";

it("what HF's ViT is not is refused by name", () => {
  for (const name of ["vit_tiny_patch16_224", "deit_base_patch16_224"])
    expect(() => requireHfVit(architectureOf(name))).not.toThrow();
  for (const [name, why] of [
    ["vit_base_patch16_clip_224", "normalises before its blocks"],
    ["vit_small_patch14_dinov2", "scales its branches"],
    ["vit_small_patch14_reg4_dinov2", "scales its branches"],
    ["deit_base_distilled_patch16_224", "distillation token"],
  ] as const) {
    expect(() => requireHfVit(architectureOf(name)), name).toThrow(ConfigError);
    expect(() => requireHfVit(architectureOf(name)), name).toThrow(why);
  }
  const vit = architectureOf("vit_tiny_patch16_224");
  for (const change of [
    { pool: "avg" },
    { finalNorm: "fc_norm" },
    { registers: 4 },
    { hasPrefixPositions: false },
    { patchBias: false },
  ] as const)
    expect(() => requireHfVit({ ...vit, ...change }), JSON.stringify(change)).toThrow(ConfigError);
});

it("the activation is told", () => {
  const vit = architectureOf("vit_tiny_patch16_224");
  expect(hfConfig({ ...vit, activation: "quick-gelu" }, ["a"])).toMatchObject({ hidden_act: "quick_gelu" });
});
