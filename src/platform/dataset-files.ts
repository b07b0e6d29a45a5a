import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Examples } from "../data/dataset.js";
import { FormatError } from "../errors.js";

/** Files larger than this are refused unread: no image of 100 megapixels needs as much. */
const largestFileBytes = 2 ** 30;

/** Images that lie as files below a folder, each under its path there, with `/`. */
export function fileExamples(root: string, paths: readonly string[], labels: Int32Array): Examples {
  const at = (index: number): string => join(root, paths[index] ?? "");
  const size = async (index: number): Promise<number> => {
    const found = await stat(at(index)).catch((error: unknown) => cannotRead(at(index), error));
    if (!found.isFile()) throw new FormatError(`${at(index)}: expected an image file, got something else.`);
    return found.size;
  };
  return {
    count: paths.length,
    labels,
    id: (index) => paths[index] ?? "",
    size,
    async read(index) {
      const bytes = await size(index);
      if (bytes > largestFileBytes) {
        throw new FormatError(`${at(index)}: the file has ${bytes} bytes; expected an image of at most 1 GiB.`);
      }
      return readFile(at(index)).catch((error: unknown) => cannotRead(at(index), error));
    },
  };
}

function cannotRead(path: string, error: unknown): never {
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  const why = code === "ENOENT" ? "the file is missing" : `the file cannot be read (${code})`;
  throw new FormatError(`${path}: ${why}. Restore the file, or take it out of the data set.`, { cause: error });
}
