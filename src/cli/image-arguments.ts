import { stat } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { buffer } from "node:stream/consumers";
import { glob, isDynamicPattern } from "tinyglobby";
import { imageFormat, imageKinds } from "../data/image-header.js";
import { ConfigError } from "../errors.js";
import type { ImageInput } from "../platform/node.js";

/** What arguments mean: the images, and the names behind which there is nothing. */
export interface Collected {
  readonly images: readonly ImageInput[];
  readonly missing: readonly string[];
}

/**
 * The images that arguments mean: files as they are, patterns and folders as the files in them, sorted, `-` as what
 * comes from stdin. Without arguments stdin is read, unless a person sits there.
 * @throws ConfigError where nothing is found at all
 */
export async function collectImages(files: readonly string[]): Promise<Collected> {
  if (files.length === 0 && process.stdin.isTTY)
    throw new ConfigError("predict: name the images to classify, or - for stdin.");
  const named = files.length === 0 ? ["-"] : files;
  const found = await Promise.all(named.map((file) => (file === "-" ? readStdin() : expand(file))));
  const images = found.flatMap((part) => (Array.isArray(part) ? part : (part?.images ?? [])));
  const missing = found.flatMap((part, i) => (Array.isArray(part) ? [] : (part?.missing ?? [named[i] as string])));
  if (images.length === 0) throw new ConfigError(absent(missing.join(", ")));
  return { images, missing };
}

/** What to say of names behind which there is nothing. */
export const absent = (names: string): string =>
  `predict: there is no such file: ${names.slice(0, 500)}. Check the path, or quote the pattern.`;

async function expand(file: string): Promise<string[] | undefined> {
  const facts = await stat(file).catch(() => undefined);
  // A file of that very name comes first, whatever a pattern of it would mean.
  if (facts?.isFile()) return [file];
  if (facts?.isDirectory()) {
    const inside = await glob(`**/*.{${imageKinds.join(",")}}`, { cwd: file, caseSensitiveMatch: false });
    if (inside.length === 0) throw new ConfigError(`predict: there are no images in ${file}.`);
    return inside.map((name) => `${file.replace(/[/\\]+$/, "")}/${name}`).sort();
  }
  if (!isDynamicPattern(file)) return undefined;
  // A pattern from the root gives paths from the root.
  const matches = await glob(file.replaceAll("\\", "/"), { expandDirectories: false, absolute: isAbsolute(file) });
  return matches.length > 0 ? matches.sort() : undefined;
}

async function readStdin(): Promise<Collected> {
  const bytes = await buffer(process.stdin);
  if (imageFormat(bytes)) {
    return { images: [{ name: "-", bytes }], missing: [] };
  }
  const names = bytes
    .toString("utf8")
    .split(/\r?\n/)
    .filter((name) => name !== "");
  if (names.length === 0)
    throw new ConfigError("predict: stdin is empty; expected an image, or one file name per line.");
  const facts = await Promise.all(names.map((name) => stat(name).catch(() => undefined)));
  const isThere = (i: number): boolean => facts[i]?.isFile() ?? false;
  return { images: names.filter((_, i) => isThere(i)), missing: names.filter((_, i) => !isThere(i)) };
}
