import { describe, expect, it } from "vitest";
import { elementCount } from "../../src/graph/tensor.js";
import {
  architectureNames,
  architectureOf,
  customArchitecture,
  familyOf,
  isHead,
  parameterCount,
  parametersOf,
  tokensOf,
} from "../../src/vit/architecture.js";

describe("architecture", () => {
  it.each([
    ["vit_tiny_patch16_224", 5_524_416],
    ["vit_small_patch16_224", 21_665_664],
    ["vit_base_patch16_224", 85_798_656],
    ["vit_large_patch16_224", 303_301_632],
    ["vit_base_patch32_224", 87_455_232],
    ["vit_base_patch8_224", 85_807_872],
    ["vit_base_patch14_dinov2", 86_579_712],
    ["vit_base_patch14_reg4_dinov2", 86_582_016],
    ["vit_base_patch16_clip_224", 85_799_424],
    ["vit_large_patch14_clip_quickgelu_224", 303_179_776],
    ["deit_tiny_distilled_patch16_224", 5_524_800],
    ["deit3_small_patch16_224", 21_674_496],
  ])("%s has %i parameters, as in timm", (name, count) => {
    expect(parameterCount(architectureOf(name))).toBe(count);
  });

  it("counts by formula what the list of parameters holds", () => {
    const plain = { imageSize: [32, 48], patchSize: 8, width: 24, blocks: 3, heads: 3 } as const;
    const cases = [
      ...architectureNames.map(architectureOf),
      customArchitecture({ ...plain, classes: 7, hidden: 50 }),
      customArchitecture({ ...plain, pool: "avg", hasClassToken: false, qkvBias: false, classes: 2 }),
    ];
    for (const a of cases) {
      const sum = (head: boolean) =>
        parametersOf(a).reduce((n, p) => n + (isHead(p.name) && !head ? 0 : elementCount(p.shape)), 0);
      expect(parameterCount(a)).toBe(sum(false));
      expect(parameterCount(a, { head: true })).toBe(sum(true));
    }
  });

  it("names every tensor once, the norm after the pooling for average pooling", () => {
    const a = customArchitecture({ imageSize: [32, 48], patchSize: 8, width: 24, blocks: 2, heads: 3, pool: "avg" });
    const names = parametersOf(a).map((p) => p.name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.slice(-2)).toEqual(["fc_norm.weight", "fc_norm.bias"]);
    expect(tokensOf(a)).toBe(25);
  });

  it("has this project's own small network", () => {
    expect(architectureOf("vit_sas_mini_patch8_64")).toMatchObject({
      imageSize: [64, 64],
      patchSize: 8,
      width: 192,
      blocks: 6,
      heads: 3,
    });
  });

  it("ignores the pretraining tag and knows the family", () => {
    expect(architectureOf("vit_small_patch16_224.augreg_in21k")).toEqual(architectureOf("vit_small_patch16_224"));
    expect(familyOf(architectureOf("vit_small_patch32_384"))).toBe("vit_small");
  });

  it("lists near names for an unknown one", () => {
    expect(() => architectureOf("vit_tiny_patch16_244")).toThrow(
      /"vit_tiny_patch16_244" is not known.*vit_tiny_patch16_224/,
    );
    for (const name of ["", "resnet50", "__proto__", "x".repeat(1e6)]) {
      expect(() => architectureOf(name)).toThrow(/not known/);
    }
  });
});
