import { FormatError } from "../errors.js";
import { explainImpostor } from "./impostor.js";

/** One name in a folder. */
export interface TreeEntry {
  readonly name: string;
  readonly isFolder: boolean;
}

/** Files below a root, under paths with `/`: a folder of the disk, or an archive read in place. */
export interface FileTree {
  /** What messages call the path; `""` is the root. */
  where(path: string): string;
  /**
   * The names in a folder that are not hidden, by code point.
   * @throws ConfigError where there is no such folder
   */
  list(folder: string): Promise<readonly TreeEntry[]>;
  hasFile(path: string): Promise<boolean>;
  /** Length in bytes. @throws FormatError where there is no such file */
  size(path: string): Promise<number>;
  /** The content. @throws FormatError where there is no such file, or it is too large or damaged */
  read(path: string): Promise<Uint8Array>;
}

/** The tree below a folder of a tree; paths begin there. */
export function subtree(tree: FileTree, folder: string): FileTree {
  const at = (path: string): string => (path === "" ? folder : `${folder}/${path}`);
  return {
    where: (path) => tree.where(at(path)),
    list: (path) => tree.list(at(path)),
    hasFile: (path) => tree.hasFile(at(path)),
    size: (path) => tree.size(at(path)),
    read: (path) => tree.read(at(path)),
  };
}

const hasSurrogate = /[\ud800-\udfff]/;

/** By code point, whatever the language: the order of Python's `sorted`, so classes get torchvision's numbers. */
export function byCodePoint(a: string, b: string): number {
  // Without surrogates code units are code points, which strings are compared by much faster.
  if (!hasSurrogate.test(a) && !hasSurrogate.test(b)) return a < b ? -1 : Number(a > b);
  const [left, right] = [Array.from(a), Array.from(b)];
  const at = left.findIndex((letter, i) => letter !== right[i]);
  if (at < 0) return left.length - right.length;
  return (left[at]?.codePointAt(0) ?? -1) - (right[at]?.codePointAt(0) ?? -1);
}

/**
 * The path as it is used below a root, without a leading `./`.
 * @param where where the path is written, for messages
 * @throws FormatError where it leads out of the root, or would mean another place on another system
 */
export function checkPath(path: string, where: string): string {
  const plain = path.replace(/^(\.\/)+/, "");
  // Backslashes and drive letters are roots and separators on Windows; a list must mean the same everywhere.
  const leadsOut = plain.startsWith("/") || /[\\\0]|^[a-zA-Z]:/.test(plain) || plain.split("/").includes("..");
  if (!leadsOut && plain !== "") return plain;
  throw new FormatError(
    `${where}: the path ${JSON.stringify(path)} leads out of the data folder or is not portable; ` +
      'expected a path below it, with "/" between folders.',
  );
}

/** Longer lists than this are refused unread. */
const longestTextBytes = 2 ** 28;

/**
 * The text of a file, without a byte order mark.
 * @throws FormatError where it is longer than 256 MiB, not UTF-8, a web page or a Git LFS pointer
 */
export async function readText(tree: FileTree, path: string): Promise<string> {
  const size = await tree.size(path);
  if (size > longestTextBytes) {
    throw new FormatError(`${tree.where(path)}: the file has ${size} bytes; expected at most 256 MiB of text.`);
  }
  const bytes = await tree.read(path);
  const impostor = explainImpostor(bytes);
  if (impostor?.remedy) throw new FormatError(`${tree.where(path)}: this is ${impostor.what}. ${impostor.remedy}`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new FormatError(`${tree.where(path)}: the text is not UTF-8. Save the file as UTF-8.`, { cause: error });
  }
}
