import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { tensorOf } from "../../src/graph/tensor.js";
import { customArchitecture } from "../../src/vit/architecture.js";
import type { Weights } from "../../src/vit/checkpoint.js";
import { hashBackbone } from "../../src/vit/hash.js";
import { randomWeights } from "../../src/vit/random-weights.js";

const a = customArchitecture({ imageSize: [8, 8], patchSize: 4, width: 4, blocks: 1, heads: 1, classes: 2 });
const weights = randomWeights(a, () => () => 0.5);
const hash = (w: Weights, architecture = a) => {
  const sha256 = createHash("sha256");
  return hashBackbone(architecture, w, {
    update: (bytes) => void sha256.update(bytes),
    finish: () => sha256.digest("hex"),
  });
};

describe("hashBackbone", () => {
  it("is what it was when the first adapter was written", async () => {
    expect(await hash(weights)).toMatchInlineSnapshot(
      `"038b4dc3ed66fe7193cc3a9f3ccbe387974cf3aae06752b3a0644e0a97f0aea0"`,
    );
  });

  it("does not depend on the order of the tensors nor on the head", async () => {
    const reversed = new Map([...weights].toReversed());
    reversed.set("head.bias", tensorOf("float32", [2], [7, 8]));
    expect(await hash(reversed)).toBe(await hash(weights));
    const headless = new Map([...weights].filter(([name]) => !name.startsWith("head.")));
    expect(await hash(headless, { ...a, classes: 0 })).toBe(await hash(weights));
  });

  it("changes with one bit of one weight, and with where it stands", async () => {
    const other = new Map(weights).set("norm.bias", tensorOf("float32", [4], [0, 0, 0, 2 ** -149]));
    expect(await hash(other)).not.toBe(await hash(weights));
    const moved = new Map(weights).set("norm.bias", tensorOf("float32", [4], [0, 0, 2 ** -149, 0]));
    expect(await hash(moved)).not.toBe(await hash(other));
  });
});
