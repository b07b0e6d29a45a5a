import { FormatError } from "../errors.js";
import { type FileTree, readText } from "./file-tree.js";

/** What a data set says of its class names: by index, or by the word that stands for the class. */
export interface ClassNames {
  /** The file that says so, for messages. */
  readonly source: string;
  readonly names: readonly string[];
  /** Name of the class that a folder or a label means, where the file is such a table. */
  readonly byWord: ReadonlyMap<string, string> | undefined;
}

const files = ["classes.txt", "class_names.txt", "class_names.json", "classes.json", "info.json"] as const;

/**
 * The class names of a file beside the data: `classes.txt` (a name per line), `class_names.json` or `classes.json` (a list;
 * or an object from folder, label or index to name), or `classes` in `info.json` (a list); `undefined` where there is none.
 * @param present the names in the root of the data
 * @throws FormatError where the file is not one of these
 */
export async function readClassNames(tree: FileTree, present: readonly string[]): Promise<ClassNames | undefined> {
  const file = files.find((name) => present.includes(name));
  if (!file) return undefined;
  const source = tree.where(file);
  const text = await readText(tree, file);
  if (file.endsWith(".txt"))
    return {
      source,
      names: checkNames(
        text.split(/\r?\n/).map((line) => line.trim()),
        source,
      ),
      byWord: undefined,
    };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new FormatError(`${source}: this is not JSON. Correct or remove the file.`, { cause: error });
  }
  if (file === "info.json") {
    const classes = typeof value === "object" && value !== null && "classes" in value ? value.classes : undefined;
    if (classes === undefined) return undefined;
    if (isNames(classes)) return { source, names: checkNames(classes, source), byWord: undefined };
    throw new FormatError(`${source}: expected "classes" to be a list of names, one per class.`);
  }
  if (isNames(value)) return { source, names: checkNames(value, source), byWord: undefined };
  if (typeof value === "object" && value !== null && isNames(Object.values(value))) {
    const byWord = new Map<string, string>(Object.entries(value));
    return { source, names: checkNames([...byWord.values()], source), byWord };
  }
  throw new FormatError(`${source}: expected a list of class names, or an object from folder or index to name.`);
}

const isNames = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === "string");

function checkNames(all: readonly string[], source: string): readonly string[] {
  // Text files end with a line feed.
  const names = all.at(-1) === "" ? all.slice(0, -1) : all;
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (names.length > 0 && twice === undefined && !names.includes("")) return names;
  const what =
    names.length === 0
      ? "is empty"
      : `names ${twice ? `the class ${JSON.stringify(twice)} twice` : "a class without a name"}`;
  throw new FormatError(`${source}: the list of classes ${what}. Correct the file.`);
}

const isCounting = (words: readonly string[]): boolean => words.every((word, i) => word === String(i));

/**
 * The order of class folders, and their names: the folders' own where no file says more. A list that names exactly the
 * folders gives their order; for folders `0`, `1`, … it gives their names. A table gives names, and leaves the order.
 * @throws FormatError where the file speaks of other folders
 */
export function nameFolders(
  folders: readonly string[],
  given: ClassNames | undefined,
): { readonly folders: readonly string[]; readonly names: readonly string[] } {
  if (!given) return { folders, names: folders };
  const { names, byWord } = given;
  const numbered = [...folders].sort((a, b) => Number(a) - Number(b));
  if (byWord && folders.every((folder) => byWord.has(folder))) {
    return {
      folders,
      names: checkNames(
        folders.map((folder) => byWord.get(folder) as string),
        given.source,
      ),
    };
  }
  if (!byWord && names.length === folders.length) {
    if (names.every((name) => folders.includes(name))) return { folders: names, names };
    if (isCounting(numbered)) return { folders: numbered, names };
  }
  const [missing] = folders.filter((folder) => !names.includes(folder) && !byWord?.has(folder));
  throw new FormatError(
    `${given.source}: the ${names.length} classes there are not those of the ${folders.length} folders` +
      `${missing === undefined ? "" : ` (${JSON.stringify(missing)} is missing)`}. Correct or remove the file.`,
  );
}

/**
 * The names by index; a table from indices `0`, `1`, … to names is one too.
 * @throws FormatError where the table's keys are no indices
 */
export function namesByIndex({ source, names, byWord }: ClassNames): readonly string[] {
  if (!byWord) return names;
  const ordered = [...byWord.keys()].sort((a, b) => Number(a) - Number(b));
  if (isCounting(ordered)) return ordered.map((word) => byWord.get(word) as string);
  throw new FormatError(
    `${source}: expected a list of names, or an object with the keys "0" to "${names.length - 1}".`,
  );
}
