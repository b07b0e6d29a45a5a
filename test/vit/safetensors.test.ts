import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/errors.js";
import { type Tensor, tensorOf, toNumbers } from "../../src/graph/tensor.js";
import { bytesSource, encodeSafetensors, readSafetensors, readSafetensorsHeader } from "../../src/vit/safetensors.js";

const read = (bytes: Uint8Array) => readSafetensors(bytesSource("w.safetensors", bytes));

const numbers = (t: Tensor | undefined) => (t ? Array.from(toNumbers(t)) : []);

/** A file with the given header text and data. */
function file(header: string, data = new Uint8Array(0), length?: bigint): Uint8Array {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

const entry = (dtype: string, shape: readonly unknown[], start: unknown, end: unknown) =>
  JSON.stringify({ dtype, shape, data_offsets: [start, end] });

const dtypes = ["float32", "float64", "int32", "int64", "uint8", "bool"] as const;
const tensors = fc.dictionary(
  fc
    .string({ unit: "binary", maxLength: 12 })
    .filter((name) => name !== "__metadata__" && new TextDecoder().decode(new TextEncoder().encode(name)) === name),
  fc
    .tuple(fc.constantFrom(...dtypes), fc.array(fc.nat(4), { maxLength: 3 }), fc.nat(1))
    .map(([dtype, shape, one]): Tensor => {
      const count = shape.reduce((n, size) => n * size, 1);
      return tensorOf(dtype, shape, Array(count).fill(one));
    }),
  { noNullPrototype: true, maxKeys: 6 },
);

describe("safetensors", () => {
  it("reads back what it wrote, whatever the names and types", async () => {
    await fc.assert(
      fc.asyncProperty(
        tensors,
        fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string()),
        async (given, metadata) => {
          const contents = { metadata, tensors: new Map(Object.entries(given)) };
          const back = await read(encodeSafetensors(contents));
          expect({ ...back.metadata }).toEqual({ ...metadata });
          expect(back.tensors.size).toBe(contents.tensors.size);
          for (const [name, t] of contents.tensors) expect(back.tensors.get(name)).toEqual(t);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("writes the same bytes in whatever order the tensors come, the data aligned to eight bytes", async () => {
    const a = tensorOf("float32", [2], [1, 2]);
    const b = tensorOf("uint8", [3], [1, 2, 3]);
    const c = tensorOf("float64", [1], [0.5]);
    const one = encodeSafetensors({
      metadata: { x: "1", y: "2" },
      tensors: new Map(Object.entries({ a, b, c, 7: a })),
    });
    const two = encodeSafetensors({
      metadata: { y: "2", x: "1" },
      tensors: new Map(Object.entries({ c, 7: a, b, a })),
    });
    expect(one).toEqual(two);
    const { dataStart, tensors } = await readSafetensorsHeader(bytesSource("f", one));
    expect(dataStart % 8).toBe(0);
    expect(tensors.get("c")?.start).toBe(0);
    expect(tensors.get("b")?.start).toBe(24);
  });

  it("widens F16 and BF16 exactly", async () => {
    const halves = [0, 0x8000, 0x3c00, 0xc000, 0x0001, 0x03ff, 0x0400, 0x7bff, 0x7c00, 0xfc00, 0x3555];
    const want = [0, -0, 1, -2, 2 ** -24, 1023 * 2 ** -24, 2 ** -14, 65504, Infinity, -Infinity, 0.333251953125];
    const data = new Uint8Array(Uint16Array.from([...halves, 0x7e00]).buffer);
    const f16 = (await read(file(`{"x":${entry("F16", [12], 0, 24)}}`, data))).tensors.get("x");
    expect(f16?.dtype).toBe("float32");
    expect(numbers(f16).slice(0, 11)).toEqual(want);
    expect(f16?.data[11]).toBeNaN();
    const brain = new Uint8Array(Uint16Array.from([0x3f80, 0xc049, 0x7f80, 0x0001]).buffer);
    const bf16 = (await read(file(`{"x":${entry("BF16", [4], 0, 8)}}`, brain))).tensors.get("x");
    expect(numbers(bf16)).toEqual([1, -3.140625, Infinity, 2 ** -133]);
  });

  it("copies a tensor that is not aligned", async () => {
    const data = new Uint8Array(5);
    new DataView(data.buffer).setFloat32(1, 1.5, true);
    const { tensors } = await read(file(`{"a":${entry("U8", [1], 0, 1)},"b":${entry("F32", [], 1, 5)}}`, data));
    expect(numbers(tensors.get("b"))).toEqual([1.5]);
  });

  const four = new Uint8Array(4);
  const good = entry("F32", [1], 0, 4);
  it.each<[string, Uint8Array, RegExp]>([
    ["nothing", new Uint8Array(0), /0 bytes/],
    ["seven bytes", new Uint8Array(7), /7 bytes/],
    ["a header of 2^60 bytes", file("{}", four, 2n ** 60n), /claims 1152921504606846976 bytes/],
    ["a header of 2^64 - 1 bytes", file("{}", four, 2n ** 64n - 1n), /claims/],
    ["a header longer than the file", file("{}", four, 7n), /claims 7 bytes/],
    ["no JSON", file("{a}"), /not a JSON object/],
    ["bytes that are no UTF-8", file("{}").fill(0xff, 8), /not a JSON object/],
    ["a list", file("[]"), /not a JSON object/],
    ["a bottomless list", file("[".repeat(1e6)), /not a JSON object/],
    ["metadata that is no text", file(`{"__metadata__":{"a":1}}`), /__metadata__/],
    ["an entry that is no object", file(`{"a":3}`), /"a" is not described/],
    ["an unknown type", file(`{"a":${entry("F8_E4M3", [4], 0, 4)}}`, four), /type "F8_E4M3", expected one of F32/],
    ["an inherited type", file(`{"a":${entry("toString", [4], 0, 4)}}`, four), /type "toString"/],
    ["an unknown key", file(`{"a":${good.replace("}", ',"z":1}')}}`, four), /unknown key "z"/],
    ["a negative size", file(`{"a":${entry("F32", [-1, -1], 0, 4)}}`, four), /no list of counts/],
    ["a fraction", file(`{"a":${entry("F32", [0.5, 2], 0, 4)}}`, four), /no list of counts/],
    ["sizes whose product is 2^80", file(`{"a":${entry("F32", [2 ** 40, 2 ** 40], 0, 4)}}`, four), /takes/],
    ["offsets beyond 2^53", file(`{"a":${entry("F32", [1], 2 ** 53, 2 ** 53)}}`, four), /data_offsets/],
    ["one offset", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}`, four), /data_offsets/],
    ["offsets that are backwards", file(`{"a":${entry("F32", [1], 4, 0)}}`, four), /takes 4 bytes/],
    ["a shape of another size", file(`{"a":${entry("F32", [2], 0, 4)}}`, four), /takes 8 bytes/],
    ["a tensor outside the file", file(`{"a":${entry("F32", [2], 0, 8)}}`, four), /take 8 bytes, the file holds 4/],
    ["a terabyte", file(`{"a":${entry("U8", [2 ** 40], 0, 2 ** 40)}}`), /take 1099511627776 bytes/],
    ["an overlap", file(`{"a":${good},"b":${good}}`, four), /"b" begins at byte 0, expected 4/],
    ["a hole", file(`{"a":${good},"b":${entry("F32", [1], 8, 12)}}`, new Uint8Array(12)), /expected 4/],
    ["bytes behind the last tensor", file(`{"a":${good}}`, new Uint8Array(5)), /take 4 bytes, the file holds 5/],
    ["a name twice", file(`{"a":${good},"\\u0061" :${good}}`, four), /has "a" twice/],
    ["a key twice", file(`{"a":${good.replace("}", ',"shape":[1]}')}}`, four), /has "shape" twice/],
  ])("refuses %s", async (_, bytes, message) => {
    const error = await read(bytes).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(FormatError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).toMatch(/^w\.safetensors: .*again\.$/);
  });

  it("answers truncation, noise and mutation with a FormatError or with tensors", async () => {
    const valid = encodeSafetensors({
      metadata: { format: "pt" },
      tensors: new Map<string, Tensor>([
        ["a", tensorOf("float32", [2, 3], [1, 2, 3, 4, 5, 6])],
        ["b.c", tensorOf("uint8", [3], [7, 8, 9])],
      ]),
    });
    for (let length = 0; length < valid.length; length++) {
      await expect(read(valid.slice(0, length))).rejects.toBeInstanceOf(FormatError);
    }
    const tolerant = async (bytes: Uint8Array) => {
      const result = await read(bytes).catch((e: unknown) => e);
      if (result instanceof Error) expect(result).toBeInstanceOf(FormatError);
    };
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), tolerant), { numRuns: 500 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (edits) => {
          const bytes = valid.slice();
          for (const [at, value] of edits) bytes[at] = value;
          return tolerant(bytes);
        },
      ),
      { numRuns: 2000 },
    );
    await fc.assert(
      fc.asyncProperty(fc.json(), (json) => tolerant(file(json, four))),
      { numRuns: 300 },
    );
  });
});
