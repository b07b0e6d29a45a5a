import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../../src/errors.js";
import { parseListing } from "../../../src/platform/hub/listing.js";
import { parseWeightsIndex } from "../../../src/platform/weights-names.js";

describe("what a hub sends", () => {
  const reads: readonly ((text: string) => unknown)[] = [
    (text) => parseListing(text, "m"),
    (text) => parseWeightsIndex(text, "m"),
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

  it("leaves out what cannot be checked and what lies in folders", () => {
    const siblings = [
      { rfilename: "a" },
      { rfilename: "b", size: 3 },
      ...["c", "onnx/c.safetensors", "../c", "c\n"].map((rfilename) => ({
        rfilename,
        size: 3,
        blobId: "0".repeat(40),
      })),
    ];
    const { files } = parseListing(JSON.stringify({ sha: "1".repeat(40), siblings }), "m");
    expect(files).toEqual([{ name: "c", size: 3, digest: "0".repeat(40) }]);
  });
});
