import { describe, expect, it } from "vitest";
import { ConfigError } from "../../src/errors.js";
import { methodNames, methodOf, methods } from "../../src/methods/index.js";
import { defaultShare, type SasOptions, sas } from "../../src/methods/sas.js";
import { accountFor } from "../../src/train/assemble.js";
import { architectureOf, parameterCount } from "../../src/vit/architecture.js";
import { tiny } from "./cases.js";

describe("the default SaS", () => {
  it.each([
    ["vit_tiny_patch16_224", 2_352, 2],
    ["vit_small_patch16_224", 9_312, 4],
    ["vit_base_patch16_224", 37_056, 8],
    ["vit_large_patch16_224", 99_072, 16],
  ])("trains %s with %i numbers, below 0.05 %%", (name, count, size) => {
    const a = architectureOf(name);
    const options = sas.resolve(a, {});
    expect(options).toMatchObject({ form: "affine", rank: size, embedding: size, hidden: 0, sites: ["attn", "mlp"] });
    expect(sas.count(a, options)).toBe(count);
    const account = accountFor(methodOf("sas"), a, {});
    expect(account).toEqual({
      trainable: count,
      head: 0,
      total: parameterCount(a) + count,
      share: count / (parameterCount(a) + count),
    });
    expect(account.share).toBeLessThan(0.0005);
  });

  it("is the largest power of two below the target", () => {
    const a = architectureOf("vit_base_patch16_224");
    expect(sas.count(a, { ...sas.resolve(a, {}), rank: 16, embedding: 16 })).toBeGreaterThan(
      defaultShare * parameterCount(a),
    );
  });

  it("has the size 1 where the network is too small for the target, and its account says so", () => {
    expect(sas.resolve(tiny, {})).toMatchObject({ rank: 1, embedding: 1 });
    expect(accountFor(methodOf("sas"), tiny, {}).share).toBeGreaterThan(defaultShare);
  });

  it("keeps what is asked for and fills in the rest", () => {
    expect(sas.resolve(tiny, { rank: 5 })).toMatchObject({ rank: 5, embedding: 1 });
    expect(sas.resolve(tiny, { form: "core", shared: true, hidden: 4096, sites: ["mlp"], alpha: -0.5 })).toMatchObject({
      form: "core",
      hidden: 4096,
      sites: ["mlp"],
      alpha: -0.5,
    });
  });
});

describe("bad options are one clear ConfigError", () => {
  const bad: readonly (readonly [Readonly<Record<string, unknown>>, RegExp])[] = [
    [{ rank: 0 }, /^sas: rank must be a whole number from 1 to 12, the network's width, got 0$/],
    [{ rank: 1.5 }, /rank .* got 1\.5$/],
    [{ rank: Number.NaN }, /rank .* got NaN$/],
    [{ rank: 13 }, /rank .* got 13$/],
    [{ rank: "2" }, /rank .* got "2"$/],
    [{ embedding: 0 }, /^sas: embedding must be a whole number from 1 to 4096, got 0$/],
    [{ embedding: 2.5 }, /embedding .* got 2\.5$/],
    [{ embedding: Number.POSITIVE_INFINITY }, /embedding .* got Infinity$/],
    [{ hidden: -1 }, /^sas: hidden must be a whole number from 0 to 4096 \(0: no hidden layer\), got -1$/],
    [{ hidden: 0.5 }, /hidden .* got 0\.5$/],
    [{ hidden: 1e12 }, /hidden .* got 1000000000000$/],
    [{ alpha: Number.NaN }, /^sas: alpha must be a number other than 0 .*, got NaN$/],
    [{ alpha: Number.POSITIVE_INFINITY }, /alpha .* got Infinity$/],
    [{ alpha: 0 }, /--no-shared.* got 0$/],
    [{ alpha: "1" }, /alpha .* got "1"$/],
    [{ sites: [] }, /^sas: sites must be attn, mlp or both, each once, got \[\]$/],
    [{ sites: ["attn", "head"] }, /sites .* got \["attn","head"\]$/],
    [{ sites: ["toString"] }, /sites .* got \["toString"\]$/],
    [{ sites: ["mlp", "mlp"] }, /each once, got \["mlp","mlp"\]$/],
    [{ sites: "attn" }, /sites .* got "attn"$/],
    [{ form: "diagonal" }, /^sas: form must be one of affine, low-rank, core, got "diagonal"$/],
    [{ shared: 0 }, /^sas: shared must be true or false, got 0$/],
    [{ specific: "no" }, /specific must be true or false, got "no"$/],
    [{ shared: false, specific: false }, /nothing is trained; use --method linear$/],
    [{ form: "core", shared: false }, /the core form .* choose low-rank or affine$/],
  ];

  it.each(bad.map(([given, message]) => [show(given), given, message] as const))("%s", (_, given, message) => {
    const resolve = () => sas.resolve(tiny, given as Partial<SasOptions>);
    expect(resolve).toThrow(ConfigError);
    expect(resolve).toThrow(message);
  });

  const others: readonly (readonly [string, Readonly<Record<string, unknown>>, RegExp])[] = [
    ["lora", { rank: 0 }, /^lora: rank must be a whole number from 1 to 12, got 0$/],
    ["lora", { alpha: 0 }, /^lora: alpha must be a number other than 0, got 0$/],
    ["lora", { targets: ["qkv", "qkv"] }, /^lora: targets must be some of qkv, .*, each once, got \["qkv","qkv"\]$/],
    ["vera", { targets: ["fc1"] }, /^vera: targets must be some of q, k, v, proj, .* got \["fc1"\]$/],
    ["vera", { seed: -1 }, /^vera: seed .* got -1$/],
    ["fact-tt", { scale: Number.NaN }, /^fact-tt: scale .* got NaN$/],
    ["arc", { rank: 13 }, /^arc: rank .* got 13$/],
    ["adapter", { sites: [] }, /^adapter: sites must be some of attn, mlp, each once, got \[\]$/],
    ["vpt-deep", { prompts: 0.5 }, /^vpt-deep: prompts .* got 0\.5$/],
    [
      "rep-adapter",
      { groups: 3 },
      /^rep-adapter: groups must be a divisor of the rank, 8, and of the width, 12, got 3$/,
    ],
  ];
  it.each(others)("%s %j", (name, given, message) => {
    const resolve = () => methodOf(name).resolve(tiny, given);
    expect(resolve).toThrow(ConfigError);
    expect(resolve).toThrow(message);
  });

  it("an unknown method is named, with those there are", () => {
    expect(() => methodOf("lora2")).toThrow(ConfigError);
    expect(() => methodOf("toString")).toThrow(/method "toString" is not known; choose from sas, linear, full, /);
  });
});

describe("counts at ViT-B/16 are the published ones", () => {
  const a = architectureOf("vit_base_patch16_224");
  it.each([
    ["bitfit", {}, 102_912],
    ["layer-norm", {}, 38_400],
    ["lora", { rank: 8 }, 294_912],
    ["lora", { rank: 8, targets: ["q", "v"] }, 294_912],
    ["vera", { rank: 256 }, 24_576],
    ["ssf", {}, 205_824],
    ["fact-tt", { rank: 16 }, 61_440],
    ["fact-tk", { rank: 32 }, 86_528],
    ["arc", { rank: 50 }, 96_432],
    ["adapter", { rank: 8 }, 156_768],
    ["adapter", { rank: 8, sites: ["attn", "mlp"] }, 313_536],
    ["adaptformer", { rank: 8 }, 156_768],
    ["rlrr", {}, 288_768],
    ["vpt-shallow", { prompts: 100 }, 76_800],
  ])("%s %j: %i", (name, given, count) => {
    const method = methodOf(name);
    expect(method.count(a, method.resolve(a, given))).toBe(count);
  });
});

it("the table calls every method by its own name", () => {
  for (const name of methodNames) expect(methods[name].name).toBe(name);
});

/** As JSON, with NaN and Infinity in words. */
function show(given: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(given, (_, value) =>
    typeof value === "number" && !Number.isFinite(value) ? `${value}` : value,
  );
}
