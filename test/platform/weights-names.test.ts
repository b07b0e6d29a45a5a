import { describe, expect, it } from "vitest";
import { ConfigError, FormatError } from "../../src/errors.js";
import { chooseWeights } from "../../src/platform/weights-names.js";

describe("chooseWeights", () => {
  const index = "model.safetensors.index.json";
  const shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
  const bins = ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"];
  it.each([
    [["pytorch_model.bin", "model.safetensors", "tf_model.h5"], "model.safetensors"],
    [["open_clip_model.safetensors", "model.safetensors"], "model.safetensors"],
    [["pytorch_model.bin", index, ...shards], index],
    [["vit.safetensors", "pytorch_model.bin"], "vit.safetensors"],
    [["pytorch_model.bin", "optimizer.bin"], "pytorch_model.bin"],
    [["pytorch_model.bin.index.json", ...bins], "pytorch_model.bin.index.json"],
    [["README.md", "B_16-i21k.npz"], "B_16-i21k.npz"],
    [["dino.pth"], "dino.pth"],
  ])("of %j takes %s", (names, expected) => {
    expect(chooseWeights(names, "m")).toBe(expected);
  });

  it.each([
    [["a.npz", "b.npz"], /m: expected one file of weights, got 2 \(a\.npz, b\.npz/],
    [["README.md"], /no weights that can be read.*got README\.md/],
    [[], /got nothing/],
    [bins, /no weights that can be read/],
    [shards, /no weights that can be read/],
  ])("of %j takes none", (names, message) => {
    expect(() => chooseWeights(names, "m")).toThrow(ConfigError);
    expect(() => chooseWeights(names, "m")).toThrow(message);
  });

  it("names a format that is not read", () => {
    expect(() => chooseWeights(["README.md", "tf_model.h5"], "m")).toThrow(FormatError);
    expect(() => chooseWeights(["README.md", "tf_model.h5"], "m")).toThrow(/m: the format of tf_model.h5 is not read/);
  });
});
