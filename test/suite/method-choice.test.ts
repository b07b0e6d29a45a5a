import { describe, expect, it } from "vitest";
import { parseMethods } from "../../src/suite/method-choice.js";

describe("methods in words", () => {
  it("names, options, alternatives, lists and own rates", () => {
    expect(
      parseMethods("linear,sas:rank=2,embedding=2,sites=attn, lora:rank=4,alpha=4/8,targets=q+v,full:lr=1e-4/3e-4"),
    ).toEqual([
      { label: "linear", method: "linear", settings: [{ options: {} }] },
      {
        label: "sas:rank=2,embedding=2,sites=attn",
        method: "sas",
        settings: [{ options: { rank: 2, embedding: 2, sites: ["attn"] } }],
      },
      {
        label: "lora:rank=4,alpha=4/8,targets=q+v",
        method: "lora",
        settings: [4, 8].map((alpha) => ({ options: { rank: 4, alpha, targets: ["q", "v"] } })),
      },
      { label: "full:lr=1e-4/3e-4", method: "full", settings: [1e-4, 3e-4].map((lr) => ({ options: {}, lr })) },
    ]);
    expect(parseMethods("sas:form=core,shared=false")[0]?.settings).toEqual([
      { options: { form: "core", shared: false } },
    ]);
  });

  it("the product of alternatives", () => {
    const [choice] = parseMethods("fact-tt:rank=4/8,scale=0.1/1/10");
    expect(choice?.settings.map(({ options }) => [options.rank, options.scale])).toEqual([
      [4, 0.1],
      [4, 1],
      [4, 10],
      [8, 0.1],
      [8, 1],
      [8, 10],
    ]);
  });

  it.each([
    ["", /at least one/],
    ["lorra", /lorra/],
    ["lora,lora", /named twice/],
    ["lora:rank", /expected options/],
    ["lora:rank=", /expected options/],
    ["lora:rank=$", /not understood/],
    ["lora:lr=0", /positive/],
    ["lora:rank=4,rank=8", /rank is given twice/],
    ["lora:alpha=4/8/4.0", /each alternative once/],
    ["lora:targets=q+v/q+v", /each alternative once/],
  ])("refuses %j", (text, message) => expect(() => parseMethods(text)).toThrow(message));
});
