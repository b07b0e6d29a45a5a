import { ConfigError, FormatError } from "../errors.js";
import { byCodePoint, type FileTree, type TreeEntry } from "./file-tree.js";

/** A file in an archive. */
export interface ArchivedFile {
  /** Length in bytes, unpacked. */
  readonly size: number;
  read(): Promise<Uint8Array>;
}

/** Unpacked files larger than this are refused: no image of 100 megapixels needs as much. */
export const largestArchivedBytes = 2 ** 30;

/**
 * The path of an archive's entry, or `undefined` for what does not count: folders, hidden files, and the resource forks
 * that macOS packs.
 * @param archive the archive's name, for messages
 * @throws FormatError where the name leads out of the archive or is not portable
 */
export function archivedPath(name: string, archive: string): string | undefined {
  const plain = name.replace(/^(\.\/)+/, "");
  const parts = plain.split("/");
  if (parts.includes("..") || plain.startsWith("/") || /[\\\0]|^[a-zA-Z]:/.test(plain)) {
    throw new FormatError(
      `${archive}: the entry ${JSON.stringify(name.slice(0, 200))} leads out of the archive or is not portable; ` +
        'expected names below its root, with "/" between folders. Pack the files anew.',
    );
  }
  const isIgnored = plain === "" || plain.endsWith("/") || parts.some((part) => part.startsWith(".") || part === "");
  return isIgnored || parts[0] === "__MACOSX" ? undefined : plain;
}

/** The tree of an archive's files. @param archive the archive's name, for messages */
export function archiveTree(archive: string, files: ReadonlyMap<string, ArchivedFile>): FileTree {
  const folders = new Map<string, Map<string, boolean>>([["", new Map()]]);
  for (const path of files.keys()) {
    for (let child = path, isFolder = false; child !== ""; isFolder = true) {
      const cut = child.lastIndexOf("/");
      const parent = child.slice(0, Math.max(0, cut));
      const names = folders.get(parent) ?? new Map<string, boolean>();
      const isKnown = names.has(child.slice(cut + 1));
      folders.set(parent, names.set(child.slice(cut + 1), isFolder));
      if (isKnown) break;
      child = parent;
    }
  }
  const sorted = new Map<string, readonly TreeEntry[]>();
  const where = (path: string): string => (path === "" ? archive : `${archive}/${path}`);
  const file = (path: string): ArchivedFile => {
    const found = files.get(path);
    if (found) return found;
    throw new FormatError(`${where(path)}: the archive holds no such file. Pack it anew.`);
  };
  return {
    where,
    async list(folder) {
      const names = folders.get(folder);
      if (!names) throw new ConfigError(`${where(folder)}: the archive holds no such folder.`);
      const entries =
        sorted.get(folder) ??
        Array.from(names, ([name, isFolder]) => ({ name, isFolder })).sort((a, b) => byCodePoint(a.name, b.name));
      sorted.set(folder, entries);
      return entries;
    },
    hasFile: async (path) => files.has(path),
    size: async (path) => file(path).size,
    async read(path) {
      const found = file(path);
      if (found.size > largestArchivedBytes) {
        throw new FormatError(`${where(path)}: the file claims ${found.size} bytes; expected at most 1 GiB.`);
      }
      return found.read();
    },
  };
}
