import { open } from "node:fs/promises";
import type { FileTree } from "../../data/file-tree.js";
import { explainImpostor } from "../../data/impostor.js";
import { isTableName } from "../../data/labelled-table.js";
import { FormatError } from "../../errors.js";
import { openTar, openTarGz } from "./tar.js";
import { openZip } from "./zip.js";

/** Kinds of archives by their first bytes; a tar archive has its mark further behind, and old ones none. */
const kinds: readonly (readonly [name: string, bytes: readonly number[]])[] = [
  ["zip", [0x50, 0x4b, 0x03, 0x04]],
  ["zip", [0x50, 0x4b, 0x05, 0x06]],
  ["gzip", [0x1f, 0x8b]],
  ["bzip2", [0x42, 0x5a, 0x68]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["7z", [0x37, 0x7a, 0xbc, 0xaf]],
  ["RAR", [0x52, 0x61, 0x72, 0x21]],
];

/** True for the name of a file that may be a data set of its own: an archive, a list, or parquet. */
export const isDataFile = (name: string): boolean =>
  /\.(zip|tar|tgz|tar\.\w+|7z|rar|parquet)$/i.test(name) || isTableName(name);

/**
 * The tree of files in an archive: zip, tar, or tar packed with gzip, told by its first bytes.
 * @throws FormatError where it is another kind of file, or damaged
 */
export async function openArchive(path: string): Promise<FileTree> {
  const file = await open(path, "r");
  const head = new Uint8Array(512);
  const { bytesRead } = await file.read(head, 0, head.length, 0).finally(() => file.close());
  const kind = kinds.find(([, bytes]) => bytes.every((byte, i) => head[i] === byte))?.[0];
  if (kind === "zip") return openZip(path);
  if (kind === "gzip") return openTarGz(path);
  const impostor = explainImpostor(head.subarray(0, bytesRead));
  const isTar = new TextDecoder().decode(head.subarray(257, 262)) === "ustar" || /\.tar$/i.test(path);
  if (kind === undefined && isTar && bytesRead > 0 && !impostor?.remedy) return openTar(path);
  const what = bytesRead === 0 ? "the file is empty" : `this is ${kind ?? impostor?.what ?? "no archive"}`;
  throw new FormatError(
    `${path}: ${what}; expected a folder, .zip, .tar or .tar.gz with the images, a list (.csv, .tsv, .jsonl), or .parquet.${impostor?.remedy ? ` ${impostor.remedy}` : ""}`,
  );
}
