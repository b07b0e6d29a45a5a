import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/errors.js";
import { graph } from "../../src/graph/graph.js";
import { input } from "../../src/graph/value.js";
import { encode } from "../../src/onnx/encode.js";
import { readMetadata } from "../../src/onnx/metadata.js";

const { model } = encode(graph("same", { y: input("x", [2]) }));

/** A field `metadata_props` of a model, by hand: tag 14, then key and value with tags 1 and 2. */
function entry(key: string, value: string): Uint8Array {
  const text = (field: number, content: string): number[] => {
    const bytes = new TextEncoder().encode(content);
    return [field * 8 + 2, bytes.length, ...bytes];
  };
  const inside = [...text(1, key), ...text(2, value)];
  return Uint8Array.from([14 * 8 + 2, inside.length, ...inside]);
}

describe("the texts of a model", () => {
  it("are found behind everything else", () => {
    const bytes = Uint8Array.from([...model, ...entry("labels", '["ä"]'), ...entry("transform", "decode")]);
    expect(readMetadata(bytes, "m")).toEqual({ labels: '["ä"]', transform: "decode" });
    expect(readMetadata(model, "m")).toEqual({});
  });

  it("are an error of the file where it is cut or no model, never another one", () => {
    const bytes = Uint8Array.from([...model, ...entry("labels", "[]")]);
    expect(() => readMetadata(bytes.subarray(0, bytes.length - 1), "m.onnx")).toThrow(
      /^m\.onnx: expected an ONNX model/,
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (random) => {
        try {
          readMetadata(random, "m");
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
    );
  });
});
