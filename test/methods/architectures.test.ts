import { afterAll, describe, expect, it } from "vitest";
import { checkMethod } from "../../src/train/laws.js";
import { type Architecture, customArchitecture } from "../../src/vit/architecture.js";
import { type Case, casesFor, onOrt, startsOnOrt, tiny } from "./cases.js";

afterAll(() => onOrt.close());

const architectures: Readonly<Record<string, Architecture>> = {
  "DINOv2 with registers": customArchitecture({
    ...tiny,
    blocks: 2,
    hasLayerScale: true,
    registers: 2,
    hasPrefixPositions: false,
  }),
  CLIP: customArchitecture({
    ...tiny,
    blocks: 2,
    hasPreNorm: true,
    patchBias: false,
    eps: 1e-5,
    activation: "quick-gelu",
  }),
  "DeiT with distillation, tanh GELU": customArchitecture({
    ...tiny,
    blocks: 2,
    hasDistillationToken: true,
    activation: "gelu-tanh",
  }),
};

describe.each(Object.entries(architectures))("every method on %s", (_, a) => {
  // Of each method, and each form of SaS, the first options: the others are held on the plain network.
  const kindOf = ({ method, options }: Case): string => `${method.name} ${options.form ?? ""}`;
  const all = casesFor(a);
  const table = all
    .filter((one, i) => all.findIndex((other) => kindOf(other) === kindOf(one)) === i)
    .map((one) => [one.title, one] as const);

  it.each(table)("%s obeys the laws", async (_, { method, options }) => {
    expect(await checkMethod(method, options, a)).toEqual([]);
  });

  it.each(table.filter(([, { method }]) => method.startsAsIdentity))(
    "%s starts as the frozen network, bit for bit",
    async (_, one) => {
      const [start, frozen] = await startsOnOrt(a, one);
      expect(start.data).toEqual(frozen.data);
    },
  );
});
