import { FormatError } from "../errors.js";

/** The head of a file of small NORB. */
export interface NorbMatrix {
  readonly shape: readonly number[];
  /** Bytes of one number: 1 (unsigned) or 4 (signed, little-endian). */
  readonly bytes: 1 | 4;
  /** Where the numbers begin. */
  readonly dataStart: number;
}

/** Bytes in which every head has its place: of at most 8 axes. */
export const norbHeadBytes = 8 + 4 * 8;

/**
 * What a file of small NORB holds, by its first bytes.
 * @param size length of the file
 * @throws FormatError where it is another kind of file, or not as long as it claims
 * @see https://cs.nyu.edu/~ylclab/data/norb-v1.0-small/ (the binary matrix format)
 */
export function readNorbHead(head: Uint8Array, size: number, name: string): NorbMatrix {
  const fail = (what: string): never => {
    throw new FormatError(`${name}: ${what}. Fetch it again, and unpack .gz files first.`);
  };
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (head.length < 20) fail("the file is cut off");
  const magic = view.getUint32(0, true);
  if (magic !== 0x1e3d4c55 && magic !== 0x1e3d4c54) fail("this is no binary matrix of small NORB");
  const bytes = magic === 0x1e3d4c55 ? 1 : 4;
  const axes = view.getInt32(4, true);
  // Sizes of at least three axes are stored, whatever their number.
  const dataStart = 8 + 4 * Math.max(3, axes);
  if (axes < 1 || axes > 8 || dataStart > head.length) fail(`expected a matrix of 1 to 8 axes, found ${axes}`);
  const shape = Array.from({ length: axes }, (_, i) => view.getInt32(8 + 4 * i, true));
  const wanted = dataStart + bytes * shape.reduce((a, b) => a * b, 1);
  if (shape.some((side) => side < 1) || wanted !== size) fail(`[${shape}] takes ${wanted} bytes, the file has ${size}`);
  return { shape, bytes, dataStart };
}
