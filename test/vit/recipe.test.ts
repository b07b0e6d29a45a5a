import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/errors.js";
import { elementCount } from "../../src/graph/tensor.js";
import { parametersOf } from "../../src/vit/architecture.js";
import { openTensors } from "../../src/vit/open-tensors.js";
import { lengthOf, planCheckpoint } from "../../src/vit/recipe.js";
import { bytesSource } from "../../src/vit/safetensors.js";

const families = join(import.meta.dirname, "../golden/vit/families");
const open = (file: string) => openTensors(bytesSource(file, new Uint8Array(readFileSync(join(families, file)))));
const config = { stated: { heads: 2 }, contract: {} };
const files = [
  "hf-vit-v4/model.safetensors",
  "hf-vit-v5/model.safetensors",
  "hf-clip/model.safetensors",
  "openai-clip/clip.pt",
  "google-original/B_16.npz",
  "google-big-vision/B_16.npz",
  "hf-dinov2-registers-v4/model.safetensors",
  "dinov2-registers/dinov2-registers_pretrain.pth",
  "dino-full/dino_checkpoint.pth",
  "hf-deit-distilled/model.safetensors",
];

describe.each(files)("the plan of %s", (file) => {
  it("makes every canonical tensor of pieces that fill it, and accounts for every tensor of the file", async () => {
    const stored = await open(file);
    const { architecture, recipes, unused } = planCheckpoint(stored, config, file);
    expect(recipes.map(({ name, shape }) => ({ name, shape }))).toEqual(parametersOf(architecture));
    for (const { name, shape, pieces, how } of recipes) {
      const lengths = pieces.map(lengthOf);
      if (how === "sum") expect(lengths, name).toEqual(lengths.map(() => elementCount(shape)));
      else
        expect(
          lengths.reduce((a, b) => a + b, 0),
          name,
        ).toBe(elementCount(shape));
    }
    const used = new Set(recipes.flatMap(({ pieces }) => pieces.map(({ from }) => from)));
    expect([...used, ...unused].toSorted()).toEqual([...stored.keys()].toSorted());
  });

  it("is made, or refused with a FormatError, whatever the shapes are", async () => {
    const stored = await open(file);
    const shape = fc.option(fc.array(fc.nat(24), { maxLength: 5 }), { nil: undefined });
    const edit = fc.tuple(fc.constantFrom(...stored.keys()), shape, fc.constantFrom("float32", "int64"));
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 4 }), fc.boolean(), (edits, hasConfig) => {
        const tensors = new Map(Array.from(stored, ([name, { shape, dtype }]) => [name, { shape, dtype }]));
        for (const [name, shape, dtype] of edits) {
          if (shape) tensors.set(name, { shape, dtype });
          else tensors.delete(name);
        }
        try {
          planCheckpoint(tensors, hasConfig ? config : undefined, file);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 150 },
    );
  });
});
