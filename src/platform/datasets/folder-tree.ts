import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { byCodePoint, type FileTree } from "../../data/file-tree.js";
import { ConfigError, FormatError } from "../../errors.js";
import { codeOf } from "../files.js";

/** Files larger than this are refused unread: no image of 100 megapixels needs as much. */
const largestFileBytes = 2 ** 30;

/** The tree of a folder on the disk. */
export function folderTree(root: string): FileTree {
  const at = (path: string): string => (path === "" ? root : join(root, path));
  const size = async (path: string): Promise<number> => {
    const found = await stat(at(path)).catch((error: unknown) => cannotRead(at(path), error));
    if (!found.isFile()) throw new FormatError(`${at(path)}: expected an image file, got something else.`);
    return found.size;
  };
  return {
    where: at,
    async list(folder) {
      const found = await readdir(at(folder), { withFileTypes: true }).catch((error: unknown) => {
        const why =
          codeOf(error) === "ENOENT" ? "there is no such folder" : `the folder cannot be read (${codeOf(error)})`;
        throw new ConfigError(`${at(folder)}: ${why}. Give the folder that holds the data set.`, { cause: error });
      });
      const entries = found.filter(({ name }) => !name.startsWith("."));
      // `stat` follows links: a class folder may lie elsewhere. A dangling link is no folder.
      const isFolder = async (entry: (typeof entries)[number]): Promise<boolean> => {
        if (!entry.isSymbolicLink()) return entry.isDirectory();
        return stat(join(at(folder), entry.name)).then(
          (facts) => facts.isDirectory(),
          () => false,
        );
      };
      const kinds = await Promise.all(entries.map(isFolder));
      return entries
        .map(({ name }, i) => ({ name, isFolder: kinds[i] === true }))
        .sort((a, b) => byCodePoint(a.name, b.name));
    },
    hasFile: (path) =>
      stat(at(path)).then(
        (facts) => facts.isFile(),
        () => false,
      ),
    size,
    async read(path) {
      const bytes = await size(path);
      if (bytes > largestFileBytes) {
        throw new FormatError(`${at(path)}: the file has ${bytes} bytes; expected an image of at most 1 GiB.`);
      }
      return readFile(at(path)).catch((error: unknown) => cannotRead(at(path), error));
    },
  };
}

function cannotRead(path: string, error: unknown): never {
  const code = codeOf(error) || String(error);
  const why = code === "ENOENT" ? "the file is missing" : `the file cannot be read (${code})`;
  throw new FormatError(`${path}: ${why}. Restore the file, or take it out of the data set.`, { cause: error });
}
