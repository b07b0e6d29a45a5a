import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, nameTrial } from "../../src/suite/trial.js";

const config = {
  backbone: "vit",
  data: "flowers",
  method: "lora",
  options: { rank: 4, alpha: 8 },
  lr: 1e-3,
  epochs: 10,
  seed: 3,
};
const facts = { data: "d".repeat(64), backbone: "b".repeat(64), engine: "sas-petl 1, ort 2" };
const own = await nameTrial(config, facts);

describe("the name of a trial", () => {
  it("is 16 hexadecimal digits", () => expect(own).toMatch(/^[0-9a-f]{16}$/));

  it.each([
    ["the order of keys", { ...Object.fromEntries(Object.entries(config).toReversed()) }],
    ["the order of a method's options", { ...config, options: { alpha: 8, rank: 4 } }],
    ["a default that is written out", { ...config, batchSize: 32, final: false, clip: 1, betas: [0.9, 0.999] }],
    ["an undefined key", { ...config, imageSize: undefined }],
    ["the places of files", { ...config, backbone: "/elsewhere/vit", data: "/elsewhere/flowers", out: "x" }],
    ["threads, memory and checkpoints", { ...config, threads: 3, memoryMb: 100, checkpointSeconds: 1 }],
  ])("does not depend on %s", async (_, changed) => {
    expect(await nameTrial(changed as typeof config, facts)).toBe(own);
  });

  it.each([
    ["seed", { ...config, seed: 4 }],
    ["learning rate", { ...config, lr: 2e-3 }],
    ["head's rate", { ...config, headLr: 2e-3 }],
    ["method", { ...config, method: "vera" }],
    ["an option", { ...config, options: { rank: 4, alpha: 4 } }],
    ["epochs", { ...config, epochs: 11 }],
    ["image size", { ...config, imageSize: 96 }],
    ["transform", { ...config, transform: "decode|resize(96)|flip" }],
    ["clipping", { ...config, clip: null }],
    ["training on validation images", { ...config, final: true }],
  ])("depends on %s", async (_, changed) => {
    expect(await nameTrial(changed as typeof config, facts)).not.toBe(own);
  });

  it.each(["data", "backbone", "engine"] as const)("depends on the %s", async (key) => {
    expect(await nameTrial(config, { ...facts, [key]: "other" })).not.toBe(own);
  });

  it("refuses what is no configuration", async () => {
    await expect(nameTrial({ ...config, epoch: 3 } as typeof config, facts)).rejects.toThrow(/epoch is not a key/);
  });
});

it("canonical JSON says the same whatever the order of keys", () => {
  const shuffled = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(shuffled)
      : typeof value === "object" && value !== null
        ? Object.fromEntries(
            Object.entries(value)
              .map(([key, inner]) => [key, shuffled(inner)])
              .toReversed(),
          )
        : value;
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const plain: unknown = JSON.parse(JSON.stringify(value));
      expect(canonicalJson(shuffled(plain))).toBe(canonicalJson(plain));
      expect(JSON.parse(canonicalJson(plain))).toEqual(plain);
    }),
  );
});
