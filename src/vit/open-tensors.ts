import { explainImpostor, type Impostor } from "../data/impostor.js";
import { FormatError } from "../errors.js";
import type { LazyTensors } from "./lazy-tensor.js";
import { openNpz } from "./npz.js";
import { type ByteSource, openSafetensors } from "./safetensors.js";
import { isLegacyTorch, openTorch } from "./torch-file.js";
import { readZip } from "./zip.js";

/** First bytes of formats that are known and not read. */
const foreign: readonly (readonly [string, readonly number[]])[] = [
  ["HDF5, as Keras writes it", [0x89, 0x48, 0x44, 0x46]],
  ["a pickle without an archive", [0x80]],
  ["gzip", [0x1f, 0x8b]],
];

/**
 * The tensors of a file of weights, by what its first bytes say it is: safetensors, NumPy's `.npz`, or an archive of
 * PyTorch's (`.pth`, `.pt`, `.bin`). Only headers are read; the source must stay open until the tensors have been.
 * @throws FormatError where the file is none of these, or damaged
 */
export async function openTensors(source: ByteSource): Promise<LazyTensors> {
  const { name: file } = source;
  const start = await source.read(0, Math.min(200, source.size));
  const begins = (bytes: readonly number[]): boolean => bytes.every((byte, i) => start[i] === byte);
  if (begins([0x50, 0x4b, 0x03, 0x04])) {
    const entries = await readZip(source);
    const names = [...entries.keys()];
    const isNumpy = names.some((name) => name.endsWith(".npy"));
    return isNumpy ? openNpz(entries, file) : openTorch(entries, file);
  }
  if (isLegacyTorch(start)) {
    throw new FormatError(
      `${file}: it is in PyTorch's format from before 1.6, which cannot be read in parts. Load it in PyTorch and save it again with torch.save, or as safetensors.`,
    );
  }
  if (start.length === 0) throw new FormatError(`${file}: the file is empty. Fetch it again.`);
  // A safetensors file begins with a length, whose upper bytes are zero, and a brace.
  if (start[7] === 0 && start[8] === 0x7b) return openSafetensors(source);
  const format = foreign.find(([, bytes]) => begins(bytes))?.[0];
  const { what, remedy = "Fetch the file again." } = format
    ? { what: format, remedy: "Save the weights as safetensors." }
    : (explainImpostor(start) ?? unknown);
  // Who calls a file so is told what is wrong with its header.
  if (what === unknown.what && /\.safetensors$/i.test(file)) return openSafetensors(source);
  throw new FormatError(`${file}: expected safetensors, .npz or a file of torch.save, got ${what}. ${remedy}`);
}

const unknown: Impostor = { what: "bytes that begin as none of them" };
