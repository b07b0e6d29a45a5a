import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigError, suggest } from "../../src/errors.js";
import { configJsonSchema, configSchema, differingKeys, parseConfig } from "../../src/train/config.js";

const least = { backbone: "b", data: "d", out: "o" };

describe("parseConfig", () => {
  it("fills in defaults", () => {
    const config = parseConfig(least, "test");
    expect(config).toMatchObject({ method: "sas", epochs: 100, batchSize: 32, optimizer: "adamw", clip: 1, seed: 0 });
    expect(config.lr).toBeUndefined();
  });

  it.each([
    [{ ...least, epoch: 3 }, "epoch is not a key. Did you mean epochs?"],
    [{ ...least, batchsize: 3 }, "Did you mean batchSize?"],
    [{ ...least, zzzzzzzzz: 3 }, "Known: $schema, backbone"],
    [{ data: "d", out: "o" }, "backbone is missing. Folder of the pretrained network"],
    [{ ...least, epochs: 0 }, "epochs: "],
    [{ ...least, lr: -1 }, "got -1"],
    [{ ...least, lr: Number.NaN }, "lr: "],
    [{ ...least, betas: [0.9] }, "betas: "],
    [{ ...least, optimizer: "adam" }, 'got "adam"'],
    [{ ...least, warmupEpochs: 1, warmupSteps: 1 }, "say the same"],
    [{ ...least, valFraction: 1 }, "valFraction: "],
    [{ ...least, init: "random" }, "needs method full"],
    [[], "the configuration: "],
    [null, "the configuration: "],
    ["text", "the configuration: "],
  ])("refuses %j", (value, message) => {
    expect(() => parseConfig(value, "run.json")).toThrow(ConfigError);
    expect(() => parseConfig(value, "run.json")).toThrow(message);
    expect(() => parseConfig(value, "run.json")).toThrow(/^run\.json: /);
  });

  it("never fails in another way than with a ConfigError", () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        try {
          parseConfig(value, "any");
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
        }
      }),
    );
  });
});

describe("the rate that the cosine falls towards", () => {
  const minLrOf = (more: object) => parseConfig({ ...least, ...more }, "test").minLr;

  it("is 1e-5, or 0 where the rate is not above it, unless it is given", () => {
    expect([{}, { lr: 1e-4 }, { lr: 1.1e-5 }].map(minLrOf)).toEqual([1e-5, 1e-5, 1e-5]);
    expect([{ lr: 1e-5 }, { lr: 1e-7 }].map(minLrOf)).toEqual([0, 0]);
    expect(
      [
        { lr: 1e-7, minLr: 1e-5 },
        { lr: 1e-7, minLr: 1e-8 },
      ].map(minLrOf),
    ).toEqual([1e-5, 1e-8]);
  });
});

describe("differingKeys", () => {
  const config = (more: object) => parseConfig({ ...least, ...more }, "test");

  it("names what changes the result", () => {
    expect(differingKeys(config({ lr: 1 }), config({ lr: 2, seed: 1 }))).toEqual(["lr", "seed"]);
    expect(differingKeys(config({}), config({ threads: 2 }))).toEqual(["threads"]);
  });

  it("ignores places and what only decides when something is written", () => {
    expect(differingKeys(config({}), config({ out: "other", data: "moved", checkpointSeconds: 1 }))).toEqual([]);
  });
});

describe("the JSON Schema", () => {
  it("is the committed one (npm run build writes it)", () => {
    const committed = JSON.parse(readFileSync(new URL("../../configs/train.schema.json", import.meta.url), "utf8"));
    expect(committed).toEqual(JSON.parse(JSON.stringify(configJsonSchema())));
  });

  it("documents every key", () => {
    for (const [key, schema] of Object.entries(configSchema.shape)) expect(schema.description, key).toBeTruthy();
  });
});

describe("suggest", () => {
  it("finds a neighbour, and nothing where none is near", () => {
    expect(suggest("lable", ["label", "other"])).toBe("Did you mean label?");
    expect(suggest("quite-different", ["label"])).toBe("Known: label.");
  });
});

describe("docs/training.md", () => {
  it("has every key", () => {
    const text = readFileSync(new URL("../../docs/training.md", import.meta.url), "utf8");
    const keys = Object.keys(configSchema.shape).filter((key) => key !== "$schema");
    expect(keys.filter((key) => !text.includes(`\`${key}\``))).toEqual([]);
  });
});
