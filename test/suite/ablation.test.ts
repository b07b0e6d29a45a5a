import { describe, expect, it } from "vitest";
import { sas } from "../../src/methods/sas.js";
import { questionNames, questionsOf } from "../../src/suite/ablation.js";
import { architectureOf } from "../../src/vit/architecture.js";

const tiny = { ...architectureOf("vit_tiny_patch16_224"), classes: 10 };
const countOf = (options: object): number => sas.count(tiny, sas.resolve(tiny, options));

describe("the ablation", () => {
  const questions = questionsOf(tiny, questionNames);

  it("asks everything, with two variants or more and none twice", () => {
    expect(questions.map(({ name }) => name)).toEqual([...questionNames]);
    for (const { methods } of questions) {
      expect(methods.length).toBeGreaterThan(1);
      expect(new Set(methods.map(({ label }) => label)).size).toBe(methods.length);
    }
  });

  it.each([2352, 5000, 9408])("keeps to a budget of %i, and would exceed it by one size more", (budget) => {
    for (const { name, methods } of questionsOf(tiny, ["parts", "form", "division", "sites"], budget)) {
      for (const { settings } of methods) {
        const options = settings[0]?.options as { rank?: number; embedding?: number };
        expect(countOf(options)).toBeLessThanOrEqual(budget);
        const more = Object.fromEntries(
          Object.entries(options).map(([key, value]) => [
            key,
            typeof value === "number" && key !== "hidden" ? value + 1 : value,
          ]),
        );
        if (name !== "division") expect(countOf(more)).toBeGreaterThan(budget);
      }
    }
  });

  it("makes every form about as large", () => {
    const [form] = questionsOf(tiny, ["form"], 2352);
    expect(form?.methods.map(({ settings }) => countOf(settings[0]?.options ?? {}))).toEqual([2352, 2352, 2337]);
    expect(form?.methods[2]?.label).toBe("sas:embedding=1,form=core,rank=3");
  });

  it("changes one thing at a time", () => {
    const [, ...others] = questions.find(({ name }) => name === "rank")?.methods ?? [];
    expect(new Set(others.map(({ settings }) => settings[0]?.options.embedding)).size).toBe(1);
    const parts = questions.find(({ name }) => name === "parts")?.methods.map(({ label }) => label);
    expect(parts?.map((label) => /specific=false|shared=false/.exec(label)?.[0])).toEqual([
      undefined,
      "specific=false",
      "shared=false",
    ]);
  });

  it("asks at a larger budget where a variant needs it, the same for all", () => {
    const [hidden] = questionsOf(tiny, ["hidden"], 2352);
    const counts = hidden?.methods.map(({ settings }) => countOf(settings[0]?.options ?? {})) ?? [];
    expect(hidden?.methods.map(({ label }) => /hidden=\d/.exec(label)?.[0])).toEqual([
      undefined,
      "hidden=4",
      "hidden=8",
    ]);
    expect(Math.min(...counts)).toBeGreaterThan(2352);
    expect(Math.max(...counts) / Math.min(...counts)).toBeLessThan(2);
  });

  it("refuses what cannot be asked", () => {
    expect(() => questionsOf(tiny, ["from"])).toThrow(/Did you mean form/);
    expect(() => questionsOf(tiny, ["form", "sites", "form"])).toThrow(/form is asked twice/);
    const smallest = countOf({ rank: 1, embedding: 1 });
    expect(() => questionsOf(tiny, ["form"], smallest - 1)).toThrow(
      `a budget of ${smallest - 1} holds no SaS, which takes ${smallest} parameters at least`,
    );
    expect(questionsOf(tiny, ["division"], smallest)[0]?.methods).toHaveLength(1);
  });
});
