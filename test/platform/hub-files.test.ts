import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigError, FormatError } from "../../src/errors.js";
import { parseListing, shardsOf, weightsAmong } from "../../src/platform/hub-files.js";

describe("weightsAmong", () => {
  const index = "model.safetensors.index.json";
  const shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
  const bins = ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"];
  it.each([
    [["pytorch_model.bin", "model.safetensors", "tf_model.h5"], "model.safetensors"],
    [["open_clip_model.safetensors", "model.safetensors"], "model.safetensors"],
    [["pytorch_model.bin", index, ...shards], index],
    [["vit.safetensors", "pytorch_model.bin"], "vit.safetensors"],
    [["pytorch_model.bin", "optimizer.bin"], "pytorch_model.bin"],
    [["README.md", "B_16-i21k.npz"], "B_16-i21k.npz"],
    [["dino.pth"], "dino.pth"],
  ])("of %j takes %s", (names, expected) => {
    expect(weightsAmong(names, "m")).toEqual({ name: expected, isIndex: expected === index });
  });

  it.each([
    [["a.npz", "b.npz"], /holds 2 networks \(a\.npz, b\.npz/],
    [["README.md"], /no weights that can be read.*got README\.md/],
    [[], /got nothing/],
    [bins, /no weights that can be read/],
    [shards, /no weights that can be read/],
    [["onnx/model.safetensors", "../x.safetensors", "a\n.bin"], /no weights that can be read/],
  ])("of %j takes none", (names, message) => {
    expect(() => weightsAmong(names, "m")).toThrow(ConfigError);
    expect(() => weightsAmong(names, "m")).toThrow(message);
  });
});

describe("what a hub sends", () => {
  const reads: readonly ((text: string) => unknown)[] = [
    (text) => parseListing(text, "m"),
    (text) => shardsOf(text, "m"),
  ];
  it("is read or is a FormatError", () => {
    const texts = fc.oneof(
      fc.string(),
      fc.json(),
      fc.record({ sha: fc.string(), siblings: fc.anything(), weight_map: fc.anything() }).map((value) => {
        try {
          return JSON.stringify(value);
        } catch {
          return "";
        }
      }),
    );
    fc.assert(
      fc.property(texts, fc.constantFrom(...reads), (text, read) => {
        try {
          read(text);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
    );
  });

  it("leaves out what cannot be checked", () => {
    const siblings = [
      { rfilename: "a" },
      { rfilename: "b", size: 3 },
      { rfilename: "c", size: 3, blobId: "0".repeat(40) },
    ];
    const { files } = parseListing(JSON.stringify({ sha: "1".repeat(40), siblings }), "m");
    expect(files).toEqual([{ name: "c", size: 3, digest: "0".repeat(40) }]);
  });
});
