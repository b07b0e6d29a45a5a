import { describe, expect, it } from "vitest";
import { forMethod, parseConfig } from "../../src/train/config.js";

const least = { backbone: "b", data: "d", out: "o" };
const flag = (key: string): string => `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
const parse = (more: object) => parseConfig({ ...least, ...more }, "command line", flag);

describe("a setting that does nothing", () => {
  it.each([
    [{ momentum: 0.5 }, "--momentum has no effect with --optimizer adamw; its settings are --betas"],
    [{ optimizer: "sgd", betas: [0.5, 0.9] }, "--betas has no effect with --optimizer sgd; its setting is --momentum"],
    [{ method: "linear", lr: 0.1 }, "--lr has no effect with --method linear, which trains the head alone"],
    [{ method: "linear", dropPath: 0.1 }, "--drop-path has no effect with --method linear"],
    [{ method: "linear", layerDecay: 0.9 }, "--layer-decay has no effect with --method linear"],
    [{ method: "linear", weightDecay: 0.1, headWeightDecay: 0.2 }, "--weight-decay has no effect"],
    [{ method: "full", dropout: 0.1 }, "--dropout has no effect with a --method that has no adapter"],
    [{ classWeightBeta: 0.9 }, "--class-weight-beta has no effect without --class-weights effective"],
    [{ final: true, patience: 3 }, "--patience has no effect with --final"],
    [{ final: true, valFraction: 0.1 }, "--val-fraction has no effect with --final"],
    [{ epochs: 5, patience: 5 }, "--patience has no effect where it is not below --epochs"],
    [{ epochs: 5, warmupEpochs: 6 }, "--warmup-epochs has no effect beyond the last of the --epochs"],
    [{ warmupEpochs: 1, warmupSteps: 6 }, "--warmup-epochs and --warmup-steps say the same in two ways"],
    [{ init: "random" }, "--init random leaves nothing to adapt: it needs --method full, got sas"],
  ])("%j is refused", (more, message) => {
    expect(() => parse(more)).toThrow(`command line: ${message}`);
  });

  it.each([
    { optimizer: "sgd", momentum: 0.5 },
    { optimizer: "muon", momentum: 0.95, betas: [0.9, 0.99] },
    { method: "linear", headLr: 0.1, weightDecay: 0.1 },
    { classWeights: "effective", classWeightBeta: 0.9 },
    { patience: 3, epochs: 4 },
    { method: "full", layerDecay: 0.7, dropPath: 0.2, weightDecayFor: "all" },
    // A complete configuration, as a run folder keeps it, says everything, at its default or not.
    parse({ optimizer: "sgd" }),
    parse({ method: "linear" }),
  ])("%j is taken", (more) => {
    expect(() => parse(more)).not.toThrow();
  });
});

describe("what is wrong with a value", () => {
  it.each([
    [{ batchSize: 0 }, "--batch-size: expected a number of at least 1, got 0."],
    [{ batchSize: 1.5 }, "--batch-size: expected a whole number, got 1.5."],
    [{ batchSize: "8" }, '--batch-size: expected a number, got "8".'],
    [{ final: 1 }, "--final: expected true or false, got 1."],
    [{ headLr: -1 }, "--head-lr: expected a number above 0, got -1."],
    [{ labelSmoothing: 1 }, "--label-smoothing: expected a number below 1, got 1."],
    [{ betas: [0.9] }, "--betas: expected a list"],
    [{ betas: [0.9, 2] }, "--betas.1: expected a number below 1, got 2."],
    [{ ema: 1 }, "--ema: expected a number below 1, got 1."],
    [{ layerDecay: 1.5 }, "--layer-decay: expected a number of at most 1, got 1.5."],
    [{ transform: "" }, '--transform: expected a text that is not empty, got "".'],
    [{ optimizer: "adam" }, '--optimizer: expected one of adamw, sgd, muon, got "adam".'],
    [{ classWeights: "heavy" }, "--class-weights: expected one of none, balanced, effective, or a list, got"],
    [{ data: undefined }, "--data is missing. "],
  ])("%j is said in plain words", (more, message) => {
    expect(() => parse(more)).toThrow(message);
  });

  it("has no word of the library that checks it", () => {
    const wrong = {
      ...least,
      epochs: "many",
      lr: null,
      betas: "x",
      options: [1],
      clip: [],
      classWeights: {},
      seed: -1,
    };
    let text = "";
    try {
      parseConfig(wrong, "test");
    } catch (error) {
      text = (error as Error).message;
    }
    for (const key of Object.keys(wrong).slice(3)) expect(text).toContain(`${key}: expected`);
    expect(text).not.toMatch(/received|Invalid|Too (small|big)|>=|<=/);
  });

  it("is left out where several methods share their settings, but only for the method's sake", () => {
    const shared = { backbone: "b", data: "d", lr: 1e-2, dropPath: 0.1, momentum: 0.5 };
    expect(forMethod({ ...shared, method: "linear" })).toEqual({
      backbone: "b",
      data: "d",
      momentum: 0.5,
      method: "linear",
    });
    expect(forMethod({ ...shared, method: "lora" })).toEqual({ ...shared, method: "lora" });
  });
});
