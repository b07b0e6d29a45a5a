import { describe, expect, it } from "vitest";
import { add, type Value } from "../../src/graph/index.js";
import { addMethod, hasMethod, methodOf, methods } from "../../src/methods/index.js";
import type { Method } from "../../src/methods/method.js";
import { checkMethod } from "../../src/train/laws.js";

type Gain = Method<{ readonly scale: number }>;
/** `x′ = x + x ⊙ gain` before every MLP. */
const gain: Gain = {
  name: "gain",
  source: "made up",
  startsAsIdentity: true,
  folds: true,
  resolve: (_, given) => ({ scale: 1, ...given }),
  count: (a) => a.blocks * a.width,
  parameters: (a) =>
    Array.from({ length: a.blocks }, (_, block) => ({
      name: `gain.${block}`,
      shape: [a.width],
      group: "adapter",
      initial: () => new Float64Array(a.width),
    })),
  adapt: (_, __, value) => ({
    input: ({ block, place }) => (place === "mlp.fc1" ? { scale: value(`gain.${block}`) } : undefined),
  }),
};

describe("checkMethod", () => {
  it("finds nothing wrong with a sound method", async () => {
    expect(await checkMethod(gain)).toEqual([]);
    expect(await checkMethod(gain, { scale: 2 })).toEqual([]);
  });

  const parameters: Gain["parameters"] = (a, o) => gain.parameters(a, o).map((p) => ({ ...p, initial: () => [1] }));
  const ones: Gain["parameters"] = (a, o) =>
    gain.parameters(a, o).map((p) => ({ ...p, initial: () => new Float64Array(a.width).fill(1) }));
  const branch = (_: unknown, { output }: { output: Value }): Value => output;
  it.each([
    ["count", { count: () => 7 }, ["count: says 7, but parameters holds 36 numbers"]],
    [
      "shape",
      { parameters },
      [0, 1, 2].map((i) => `parameters: gain.${i} has shape [12], but its start gives 1 numbers`),
    ],
    [
      "name",
      { parameters: (a, o) => gain.parameters(a, o).map((p) => ({ ...p, name: "x" })) },
      [/x is there more than/],
    ],
    [
      "resolve",
      { resolve: (_, { scale = 1 }) => ({ scale: 2 * scale }) },
      [/^resolve: .*\{"scale":2\} gave \{"scale":4\}/],
    ],
    ["start", { parameters: ones }, [/^startsAsIdentity: /]],
    [
      "fold",
      {
        startsAsIdentity: false,
        adapt: (a, o, v) => ({ ...gain.adapt(a, o, v), branch: (_, { output }) => add(output, output) }),
      },
      [/^folds: /],
    ],
    [
      "gradient",
      { adapt: () => ({ branch }), folds: false },
      [0, 1, 2].map((i) => `adapt: gain.${i} has no gradient after two steps`),
    ],
  ] as readonly [string, Partial<Gain>, readonly (string | RegExp)[]][])(
    "names what is broken: %s",
    async (_, change, laws) => {
      const broken = await checkMethod({ ...gain, ...change });
      expect(broken).toEqual(laws.map((law) => (typeof law === "string" ? law : expect.stringMatching(law))));
    },
  );
});

describe("addMethod", () => {
  it("makes a method known, and takes it twice", () => {
    expect(() => methodOf("gain")).toThrow(/not known/);
    addMethod(gain);
    addMethod(gain);
    expect(methodOf("gain")).toBe(gain);
    expect([hasMethod("gain"), hasMethod("toString")]).toEqual([true, false]);
    expect(() => methodOf("other")).toThrow(/convpass, gain$/);
  });

  it("refuses names that are taken or no words", () => {
    expect(() => addMethod({ ...gain, name: "sas" })).toThrow("method sas: there is one of this name already");
    expect(methodOf("sas")).toBe(methods.sas);
    addMethod({ ...gain, name: "gain-2" });
    expect(() => addMethod({ ...gain, name: "gain-2" })).toThrow("method gain-2: there is one of this name already");
    for (const name of ["", "My Method", "__proto__", "--x", "a/b"])
      expect(() => addMethod({ ...gain, name })).toThrow(/expected a name/);
  });
});
