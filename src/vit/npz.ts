import { FormatError } from "../errors.js";
import { elementCount, type Shape } from "../graph/tensor.js";
import { arrange } from "./layout.js";
import { type LazyTensor, type LazyTensors, lazyTensor } from "./lazy-tensor.js";
import { type StoredType, storedTypes } from "./stored-types.js";
import type { ZipEntry } from "./zip.js";

/** NumPy's element types; JAX writes bfloat16 as raw pairs of bytes. */
const types: Readonly<Record<string, StoredType>> = {
  "<f4": "F32",
  "<f8": "F64",
  "<f2": "F16",
  "|V2": "BF16",
  "<i8": "I64",
  "<i4": "I32",
  "|u1": "U8",
  "|b1": "BOOL",
};

/** Bytes in which every header that NumPy writes has its place. */
const longestHeader = 2 ** 16;

/**
 * The arrays of a NumPy archive, to be read one by one; only their headers are read before.
 * @throws FormatError where one is cut, of a type that is not read, or holds Python objects
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
export async function openNpz(entries: ReadonlyMap<string, ZipEntry>, file: string): Promise<LazyTensors> {
  const tensors = new Map<string, LazyTensor>();
  for (const [name, entry] of entries) {
    if (name.endsWith(".npy")) tensors.set(name.slice(0, -".npy".length), await openArray(entry, file));
  }
  return tensors;
}

/** What an array's header says, checked against the length of its file. */
interface Header {
  readonly type: StoredType;
  readonly shape: Shape;
  readonly fortran: boolean;
  /** Where the numbers begin. */
  readonly dataStart: number;
}

async function readHeader(entry: ZipEntry, file: string): Promise<Header> {
  const fail = (what: string, remedy = "The file is damaged; fetch it again."): never => {
    throw new FormatError(`${file}: ${JSON.stringify(entry.name.slice(0, 80))} ${what}. ${remedy}`);
  };
  const start = await entry.unpack(12);
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  if (start.length < 12 || view.getUint32(0) !== 0x934e554d) fail("is no NumPy array");
  const isShort = view.getUint8(6) === 1;
  const length = isShort ? view.getUint16(8, true) : view.getUint32(8, true);
  const dataStart = (isShort ? 10 : 12) + length;
  if (length > longestHeader || dataStart > entry.size) fail(`has a header of ${length} bytes`);
  const header = new TextDecoder("latin1").decode((await entry.unpack(dataStart)).slice(isShort ? 10 : 12, dataStart));
  const { descr, fortran, shape } = parseHeader(header) ?? fail("has a header that is no description of an array");
  const type = Object.hasOwn(types, descr) ? types[descr] : undefined;
  if (!type) {
    return fail(
      `has elements of the type ${JSON.stringify(descr.slice(0, 20))}, expected one of ${Object.keys(types).join(", ")}`,
      "Save it as float32.",
    );
  }
  const size = elementCount(shape) * storedTypes[type].bytes;
  if (size !== entry.size - dataStart)
    fail(`of shape [${shape}] takes ${size} bytes, it has ${entry.size - dataStart}`);
  return { type, shape, fortran, dataStart };
}

async function openArray(entry: ZipEntry, file: string): Promise<LazyTensor> {
  const { type, shape, fortran, dataStart } = await readHeader(entry, file);
  const whole: LazyTensor = {
    shape,
    dtype: storedTypes[type].dtype,
    async read(into) {
      // Compressed data has no middle to start from, so it is unpacked once and not for each piece.
      const bytes = entry.isCompressed ? await entry.unpack() : undefined;
      const readBytes = async (offset: number, count: number): Promise<Uint8Array> =>
        bytes?.subarray(dataStart + offset, dataStart + offset + count) ?? entry.read(dataStart + offset, count);
      await lazyTensor(type, shape, readBytes).read(into);
    },
  };
  return fortran && shape.length > 1 ? columnsFirst(whole) : whole;
}

/** An array of which single rows, along its first axis, are wanted, and that may be larger than memory. */
export interface StoredRows {
  readonly shape: Shape;
  /** The rows of these numbers, ascending, as bytes; the file is passed through once, piece by piece. */
  rows(wanted: readonly number[]): AsyncGenerator<Uint8Array>;
}

/**
 * The rows of a NumPy array of bytes.
 * @throws FormatError where it is damaged, of another type, or lies column by column
 */
export async function openRows(entry: ZipEntry, file: string): Promise<StoredRows> {
  const { type, shape, fortran, dataStart } = await readHeader(entry, file);
  if ((type !== "U8" && type !== "BOOL") || fortran || shape.length < 2) {
    throw new FormatError(
      `${file}: ${JSON.stringify(entry.name.slice(0, 80))}: expected rows of bytes (uint8, C order), got ${type} of ` +
        `shape [${shape}]${fortran ? " in Fortran order" : ""}. Save it anew.`,
    );
  }
  const rowBytes = elementCount(shape.slice(1));
  return {
    shape,
    async *rows(wanted) {
      let at = -dataStart;
      let row = new Uint8Array(rowBytes);
      let filled = 0;
      let next = 0;
      for await (const piece of entry.pieces()) {
        for (; next < wanted.length; next++) {
          const from = (wanted[next] as number) * rowBytes + filled - at;
          const part = piece.subarray(from, from + rowBytes - filled);
          row.set(part, filled);
          filled += part.length;
          if (filled < rowBytes) break;
          yield row;
          [row, filled] = [new Uint8Array(rowBytes), 0];
        }
        if (next === wanted.length) return;
        at += piece.length;
      }
    },
  };
}

/** An array that lies with its first axis innermost. */
const columnsFirst = ({ shape, dtype, read }: LazyTensor): LazyTensor => ({
  shape,
  dtype,
  async read(into) {
    const stored = new Float32Array(into.length);
    await read(stored);
    arrange(stored, { view: shape.toReversed(), perm: shape.map((_, i) => shape.length - 1 - i) }, into);
  },
});

function parseHeader(text: string): { descr: string; fortran: boolean; shape: Shape } | undefined {
  const descr = /'descr':\s*'([^']*)'/.exec(text)?.[1] ?? (/'descr':/.test(text) ? "structured" : undefined);
  const fortran = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
  const sizes = /'shape':\s*\(([\d\s,]*)\)/.exec(text)?.[1];
  if (descr === undefined || fortran === undefined || sizes === undefined) return undefined;
  const shape = sizes
    .split(",")
    .filter((size) => size.trim() !== "")
    .map(Number);
  const isFine = shape.every(Number.isSafeInteger) && Number.isSafeInteger(elementCount(shape));
  return isFine ? { descr, fortran: fortran === "True", shape } : undefined;
}
