import { stat } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { glob, isDynamicPattern } from "tinyglobby";
import { ConfigError } from "../errors.js";
import type { ImageInput } from "../platform/node.js";

const signatures = [
  [0xff, 0xd8, 0xff],
  [0x89, 0x50, 0x4e, 0x47],
  [0x52, 0x49, 0x46, 0x46],
] as const;

/**
 * The images that arguments mean: files as they are, patterns and folders as the files in them, sorted, `-` as what
 * comes from stdin. Without arguments stdin is read, unless a person sits there.
 * @throws ConfigError naming the files that do not exist and the patterns nothing matches
 */
export async function collectImages(files: readonly string[]): Promise<readonly ImageInput[]> {
  if (files.length === 0 && process.stdin.isTTY)
    throw new ConfigError("predict: name the images to classify, or - for stdin.");
  const named = files.length === 0 ? ["-"] : files;
  const found = await Promise.all(named.map((file) => (file === "-" ? readStdin() : expand(file))));
  const missing = found.flatMap((images, i) => (images === undefined ? [named[i]] : []));
  if (missing.length > 0) throw absent(missing.join(", "));
  return found.flatMap((images) => images ?? []);
}

const absent = (names: string): ConfigError =>
  new ConfigError(`predict: there is no such file: ${names.slice(0, 500)}. Check the path, or quote the pattern.`);

async function expand(file: string): Promise<readonly string[] | undefined> {
  const facts = await stat(file).catch(() => undefined);
  // A file of that very name comes first, whatever a pattern of it would mean.
  if (facts?.isFile()) return [file];
  if (facts?.isDirectory()) {
    const inside = await glob("**/*.{jpg,jpeg,png,webp}", { cwd: file, caseSensitiveMatch: false });
    if (inside.length === 0) throw new ConfigError(`predict: there are no images in ${file}.`);
    return inside.map((name) => `${file.replace(/[/\\]+$/, "")}/${name}`).sort();
  }
  if (!isDynamicPattern(file)) return undefined;
  const matches = await glob(file.replaceAll("\\", "/"), { expandDirectories: false });
  return matches.length > 0 ? matches.sort() : undefined;
}

async function readStdin(): Promise<readonly ImageInput[]> {
  const bytes = await buffer(process.stdin);
  if (signatures.some((signature) => signature.every((byte, i) => bytes[i] === byte))) return [{ name: "-", bytes }];
  const names = bytes
    .toString("utf8")
    .split(/\r?\n/)
    .filter((name) => name !== "");
  if (names.length === 0)
    throw new ConfigError("predict: stdin is empty; expected an image, or one file name per line.");
  const facts = await Promise.all(names.map((name) => stat(name).catch(() => undefined)));
  const missing = names.filter((_, i) => !facts[i]?.isFile());
  if (missing.length > 0) throw absent(missing.join(", "));
  return names;
}
