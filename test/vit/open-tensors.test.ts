import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { strToU8, zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/errors.js";
import { type Tensor, zeros } from "../../src/graph/tensor.js";
import { customArchitecture, parametersOf } from "../../src/vit/architecture.js";
import { loadCheckpoint } from "../../src/vit/checkpoint.js";
import { parseConfig, printConfig } from "../../src/vit/config.js";
import { completeContract } from "../../src/vit/contract.js";
import type { LazyTensors } from "../../src/vit/lazy-tensor.js";
import { openTensors } from "../../src/vit/open-tensors.js";
import { bytesSource, encodeSafetensors } from "../../src/vit/safetensors.js";
import { readZip } from "../../src/vit/zip.js";

const families = join(import.meta.dirname, "../golden/vit/families");
const fileOf = (path: string): Uint8Array => new Uint8Array(readFileSync(join(families, path)));
const files = {
  npz: fileOf("google-augreg/B_16.npz"),
  pth: fileOf("timm-vit-pth/checkpoint.pth"),
  safetensors: fileOf("timm-vit/model.safetensors"),
};

const open = (bytes: Uint8Array, name = "weights"): Promise<LazyTensors> => openTensors(bytesSource(name, bytes));
const numbersOf = async (tensors: LazyTensors, name: string): Promise<number[]> => {
  const tensor = tensors.get(name);
  if (!tensor) throw new Error(`no tensor ${name}`);
  const into = new Float32Array(tensor.shape.reduce((a, b) => a * b, 1));
  await tensor.read(into);
  return [...into];
};

/** A source that counts the bytes that are read of it. */
const countingSource = (bytes: Uint8Array) => ({
  ...bytesSource("x", bytes),
  count: 0,
  async read(offset: number, length: number) {
    this.count += length;
    return bytes.subarray(offset, offset + length);
  },
});

/** The message a file is refused with; anything but a FormatError fails. */
async function refusal(bytes: Uint8Array): Promise<string> {
  const error = await open(bytes, "bad.file").catch((e: unknown) => e);
  expect(error).toBeInstanceOf(FormatError);
  expect((error as Error).message).toMatch(/^bad\.file: /);
  return (error as Error).message;
}

/** An array as NumPy writes it. */
function npy(descr: string, shape: string, data: Uint8Array, order = "False"): Uint8Array {
  const header = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': (${shape}), }`;
  const padded = `${header.padEnd(117)}\n`;
  const bytes = new Uint8Array(10 + padded.length + data.length);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, padded.length & 255, padded.length >> 8]);
  bytes.set(strToU8(padded), 10);
  bytes.set(data, 10 + padded.length);
  return bytes;
}
const floats = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

describe("a NumPy archive", () => {
  it("is read stored and compressed, rows or columns first, in every float type", async () => {
    const arrays = {
      "rows.npy": npy("<f4", "2, 3", floats(1, 2, 3, 4, 5, 6)),
      "columns.npy": npy("<f4", "2, 3", floats(1, 4, 2, 5, 3, 6), "True"),
      "one.npy": npy("<f4", "3,", floats(7, 8, 9)),
      "scalar.npy": npy("<f8", "", new Uint8Array(Float64Array.of(0.5).buffer)),
      "half.npy": npy("<f2", "2,", new Uint8Array([0, 0x3c, 0, 0xc0])),
      "brain.npy": npy("|V2", "2,", new Uint8Array([0x80, 0x3f, 0, 0xc0])),
      "steps.npy": npy("<i8", "1,", new Uint8Array(BigInt64Array.of(3n).buffer)),
    };
    for (const level of [0, 9] as const) {
      const tensors = await open(zipSync(arrays, { level }));
      expect(await numbersOf(tensors, "rows")).toEqual([1, 2, 3, 4, 5, 6]);
      expect(await numbersOf(tensors, "columns")).toEqual([1, 2, 3, 4, 5, 6]);
      expect(await numbersOf(tensors, "one")).toEqual([7, 8, 9]);
      expect(await numbersOf(tensors, "scalar")).toEqual([0.5]);
      expect(await numbersOf(tensors, "half")).toEqual([1, -2]);
      expect(await numbersOf(tensors, "brain")).toEqual([1, -2]);
      expect(tensors.get("steps")?.dtype).toBe("int64");
    }
  });

  it.each<[string, Uint8Array, RegExp]>([
    ["Python objects", npy("|O", "1,", new Uint8Array(8)), /"\|O".*Save it as float32/],
    ["big-endian numbers", npy(">f4", "1,", new Uint8Array(4)), /">f4"/],
    ["a shape of more than there is", npy("<f4", "1152921504606846976,", new Uint8Array(4)), /no description|takes/],
    ["a shape of less", npy("<f4", "1,", new Uint8Array(8)), /takes 4 bytes, it has 8/],
    ["no header", new Uint8Array(20), /no NumPy array/],
    [
      "a header without an end",
      new Uint8Array([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 2, 0, 255, 255, 255, 255]),
      /header of 4294967295/,
    ],
    ["nothing", new Uint8Array(0), /no NumPy array/],
  ])("with %s is refused", async (_, bytes, message) => {
    for (const level of [0, 9] as const) {
      expect(await refusal(zipSync({ "x.npy": bytes }, { level }))).toMatch(message);
    }
  });
});

describe("a zip archive", () => {
  const whole = zipSync({ "a.npy": npy("<f4", "2,", floats(1, 2)) }, { level: 9 });
  const directory = whole.findLastIndex((_, i) => whole[i] === 0x50 && whole[i + 1] === 0x4b && whole[i + 2] === 1);
  /** The archive with other bytes somewhere. */
  const patched = (at: number, ...bytes: number[]): Uint8Array => {
    const copy = whole.slice();
    copy.set(bytes, at);
    return copy;
  };

  it.each<[string, Uint8Array, RegExp]>([
    ["cut off", whole.slice(0, -30), /end of a zip archive is missing/],
    ["claiming 4 GB unpacked", patched(directory + 24, 255, 255, 255, 254), /claims 4278190079 bytes/],
    ["with an encrypted file", patched(directory + 8, 1), /encrypted/],
    ["packed in an unknown way", patched(directory + 10, 99), /method 99/],
    ["pointing behind its end", patched(directory + 42, 0, 0, 0, 127), /outside the file/],
    ["with a broken directory", patched(directory, 0), /directory is broken/],
    ["whose directory lies outside", patched(whole.length - 6, 255, 255, 255, 127), /outside the file/],
  ])("%s is refused", async (_, bytes, message) => {
    expect(await refusal(bytes)).toMatch(message);
  });

  it("whose data is not what it claims is refused when it is read", async () => {
    const entry = (await readZip(bytesSource("x", whole))).get("a.npy");
    expect(entry?.isCompressed).toBe(true);
    const longer = (await readZip(bytesSource("x", patched(directory + 24, 255)))).get("a.npy");
    await expect(longer?.unpack()).rejects.toThrow(FormatError);
  });

  it("with 64-bit sizes is read", async () => {
    // As NumPy writes it, every entry has a zip64 field; `savez` of the golden files has them too.
    const tensors = await open(files.npz);
    expect(tensors.get("cls")?.shape).toEqual([1, 1, 8]);
  });
});

/** A pickle that calls a function of a module, as an attacker would write it. */
const calling = (name: string): Uint8Array =>
  new Uint8Array([
    0x80,
    2,
    0x63,
    ...strToU8(`${name.replace(".", "\n")}\n`),
    0x58,
    4,
    0,
    0,
    0,
    ...strToU8("true"),
    0x85,
    0x52,
    0x2e,
  ]);
const archive = (pickle: Uint8Array): Uint8Array => zipSync({ "archive/data.pkl": pickle }, { level: 0 });

describe("a file of torch.save", () => {
  it("with tensors that share a storage is read as torch would", async () => {
    const views = await open(fileOf("../views.pth"));
    const plain = Array.from({ length: 12 }, (_, i) => i);
    expect(await numbersOf(views, "plain")).toEqual(plain);
    for (const name of ["half", "brain", "double"]) expect(await numbersOf(views, name), name).toEqual(plain);
    expect(views.get("turned")?.shape).toEqual([4, 3]);
    expect(await numbersOf(views, "turned")).toEqual([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);
    expect(await numbersOf(views, "rows")).toEqual(plain.slice(4));
    expect(await numbersOf(views, "column")).toEqual([2, 6, 10]);
    const cube = [0, 1, 2, 3].flatMap((k) => [0, 4, 8, 12, 16, 20].map((at) => at + k));
    expect(await numbersOf(views, "cube")).toEqual(cube);
    expect(await numbersOf(views, "number")).toEqual([7]);
    expect(await numbersOf(views, "empty")).toEqual([]);
  });

  it("with weights below a key and a prefix is read", async () => {
    const tensors = await open(files.pth);
    const plain = await open(files.safetensors);
    for (const name of plain.keys()) {
      expect(await numbersOf(tensors, `module.${name}`), name).toEqual(await numbersOf(plain, name));
    }
  });

  it.each([
    "os.system",
    "builtins.eval",
    "posix.system",
    "argparse.Namespace",
    "numpy.core.multiarray.scalar",
    "torch._utils._rebuild_qtensor",
    "__torch__.Model",
  ])("is refused by name where it asks for %s", async (name) => {
    const at = name.lastIndexOf(".");
    const bytes = new Uint8Array([
      0x80,
      2,
      0x63,
      ...strToU8(`${name.slice(0, at)}\n${name.slice(at + 1)}\n`),
      0x29,
      0x52,
      0x2e,
    ]);
    expect(await refusal(archive(bytes))).toContain(`asks for "${name}"`);
  });

  it("runs nothing", async () => {
    expect(await refusal(archive(calling("os.system")))).toMatch(/could run code.*state_dict/);
  });

  it.each<[string, Uint8Array, RegExp]>([
    [
      "of the format before 1.6",
      new Uint8Array([0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e]),
      /before 1\.6.*torch\.save/,
    ],
    ["without a pickle", zipSync({ "archive/version": strToU8("3") }), /no data\.pkl/],
    ["with an empty pickle", archive(new Uint8Array(0)), /cut off/],
    ["with no tensors", archive(new Uint8Array([0x80, 2, 0x7d, 0x2e])), /no tensors in it/],
    ["with an instruction to make an object", archive(new Uint8Array([0x80, 2, 0x81, 0x2e])), /instruction 129/],
    ["with a text of 4 GB", archive(new Uint8Array([0x80, 2, 0x58, 255, 255, 255, 255, 0x2e])), /cut off/],
    [
      "with big-endian numbers",
      zipSync({ "a/data.pkl": new Uint8Array([0x7d, 0x2e]), "a/byteorder": strToU8("big") }),
      /big-endian/,
    ],
    ["that is a web page", strToU8("<!DOCTYPE html><html><head></head></html>"), /got a web page/],
    ["that is a pointer", strToU8("version https://git-lfs.github.com/spec/v1\noid sha256:0"), /Git LFS pointer/],
    ["that is HDF5", new Uint8Array([0x89, 0x48, 0x44, 0x46, 13, 10, 26, 10, 0]), /HDF5/],
    ["that is empty", new Uint8Array(0), /the file is empty/],
    ["that is a text", strToU8("Entry not found"), /got text, "Entry not found"/],
    ["that is nothing known", new Uint8Array(64).fill(7), /got bytes that begin as none of them/],
  ])("%s is refused", async (_, bytes, message) => {
    expect(await refusal(bytes)).toMatch(message);
  });
});

describe("damaged weights", () => {
  const kinds = Object.entries(files);
  /** Whether all of a file can be read; whatever else happens must be a FormatError. */
  async function tryOut(bytes: Uint8Array): Promise<void> {
    try {
      await loadCheckpoint(await open(bytes), { stated: { heads: 2 }, contract: {} }, "weights");
    } catch (error) {
      expect(error).toBeInstanceOf(FormatError);
    }
  }

  it.each(kinds)("%s cut anywhere is refused", async (_, bytes) => {
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), async (length) => {
        await expect(open(bytes.slice(0, length))).rejects.toThrow(FormatError);
      }),
      { numRuns: 60 },
    );
  });

  it.each(kinds)("%s with any bytes changed is read or refused", async (_, bytes) => {
    const edits = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(edits, async (changes) => {
        const copy = bytes.slice();
        for (const [at, value] of changes) copy[at] = value;
        await tryOut(copy);
      }),
      { numRuns: 150 },
    );
  });

  it("a pickle of whatever bytes is refused or read", async () => {
    const code = fc.constantFrom(
      40,
      41,
      48,
      66,
      71,
      74,
      75,
      78,
      81,
      82,
      88,
      93,
      97,
      98,
      99,
      101,
      104,
      113,
      115,
      116,
      117,
      125,
      128,
      133,
      134,
      138,
      139,
      148,
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(code, fc.nat(255)), { maxLength: 60 }), (bytes) =>
        tryOut(archive(new Uint8Array([...bytes, 0x2e]))),
      ),
      { numRuns: 300 },
    );
  });
});

describe("memory", () => {
  const a = customArchitecture({ imageSize: [64, 64], patchSize: 8, width: 48, blocks: 3, heads: 3 });
  const config = parseConfig(printConfig(a, completeContract({}, a.imageSize).contract), "config.json");
  const total = parametersOf(a).reduce((sum, { shape }) => sum + shape.reduce((x, y) => x * y, 1), 0);

  /** A file of zeros in half precision, by hand: our own writer makes none. */
  function halves(names: ReadonlyMap<string, readonly number[]>): Uint8Array {
    const bytes = encodeSafetensors({
      metadata: {},
      tensors: new Map([...names].map(([name, shape]): [string, Tensor] => [name, zeros("uint8", [...shape, 2])])),
    });
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const header = new TextDecoder()
      .decode(bytes.slice(8, 8 + length))
      .replaceAll('"U8"', '"F16"')
      .replaceAll(",2]", "]");
    bytes.set(strToU8(header.trimEnd().padEnd(length)), 8);
    return bytes;
  }

  it("holds the weights and one tensor more, and every byte is read once", async () => {
    const bytes = halves(new Map(parametersOf(a).map(({ name, shape }) => [name, shape])));
    const seen = new Uint8Array(bytes.length);
    let largest = 0;
    const source = {
      ...bytesSource("f16.safetensors", bytes),
      async read(offset: number, length: number) {
        largest = Math.max(largest, length);
        for (let i = offset; i < offset + length; i++) seen[i] = (seen[i] as number) + 1;
        return bytes.subarray(offset, offset + length);
      },
    };
    const tensors = await openTensors(source);
    const header = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(
      seen.subarray(header).every((count) => count === 0),
      "nothing but the header is read at first",
    ).toBe(true);
    largest = 0;
    let allocated = 0;
    await loadCheckpoint(tensors, config, "f16.safetensors", (count) => {
      allocated += count;
      return new Float32Array(count);
    });
    expect(seen.subarray(header).every((count) => count === 1)).toBe(true);
    expect(allocated).toBe(total);
    const one = Math.max(...parametersOf(a).map(({ shape }) => 2 * shape.reduce((x, y) => x * y, 1)));
    expect(largest).toBe(one);
  });

  it("is taken for nothing where the file is not a network that is read", async () => {
    const names = new Map(parametersOf(a).map(({ name, shape }): [string, readonly number[]] => [name, shape]));
    names.set("blocks.0.mlp.w12.weight", [4]);
    const bytes = halves(names);
    const source = countingSource(bytes);
    const tensors = await openTensors(source);
    const before = source.count;
    await expect(loadCheckpoint(tensors, config, "x")).rejects.toThrow(/gated MLP \(SwiGLU/);
    expect(source.count).toBe(before);
  });

  it("of a text tower is not taken", async () => {
    const bytes = fileOf("hf-clip/model.safetensors");
    const source = countingSource(bytes);
    const tensors = await openTensors(source);
    const before = source.count;
    const { weights } = await loadCheckpoint(tensors, { stated: { heads: 2 }, contract: {} }, "x");
    expect(source.count - before).toBe([...weights.values()].reduce((sum, { data }) => sum + data.byteLength, 0));
  });
});
