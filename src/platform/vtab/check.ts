import { createHash } from "node:crypto";
import { join } from "node:path";
import { type FileTree, readText, subtree } from "../../data/file-tree.js";
import { imageHeader } from "../../data/image-header.js";
import { limitTasks } from "../../data/limit.js";
import { type FoundList, judgeTask, type Verdict, type VtabList, vtabLists } from "../../data/vtab-check.js";
import { parseList } from "../../data/vtab-list.js";
import { type VtabTask, vtabTaskOf, vtabTasks } from "../../data/vtab-tasks.js";
import { ConfigError, FormatError, suggest } from "../../errors.js";
import { folderTree } from "../datasets/folder-tree.js";
import { readOwnSample } from "./own.js";

/** A list in numbers. */
export interface ListFacts {
  readonly count: number;
  /** Over its paths and labels, in their order. */
  readonly lines: string;
  /** Over the contents of its files, in its order. */
  readonly files: string;
}

/** A task's folder, looked at. */
export interface TaskCheck extends Omit<Verdict, "state"> {
  readonly task: string;
  readonly group: VtabTask["group"];
  readonly state: Verdict["state"] | "missing";
  /** Where it lies below the root; `null` where it is missing. */
  readonly folder: string | null;
  /** Classes that occur, and those that the task has. */
  readonly classes: { readonly found: number; readonly expected: number };
  readonly lists: Readonly<Record<VtabList, ListFacts | null>>;
  /** Over all lists and files: the same for the same data, wherever it lies. */
  readonly digest: string | null;
}

/** What is wanted of a check. */
export interface CheckOptions {
  /** Names of tasks; default: all nineteen. One that is named and missing is a fault. */
  readonly tasks?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((task: string, done: number, total: number) => void) | undefined;
}

/** Files read beside each other. */
const together = 16;

/** The tasks of these names, in the order of the tables. @throws ConfigError where VTAB-1k has none of that name */
export function tasksNamed(names: readonly string[] | undefined): readonly VtabTask[] {
  if (!names) return vtabTasks;
  for (const name of names) {
    if (vtabTaskOf(name)) continue;
    throw new ConfigError(
      `--tasks: VTAB-1k has no task ${JSON.stringify(name)}. ${suggest(
        name,
        vtabTasks.map((task) => task.name),
      )}`,
    );
  }
  const wanted = new Set(names.map(vtabTaskOf));
  return vtabTasks.filter((task) => wanted.has(task));
}

/**
 * What lies in a folder in the layout of VTAB-1k: task by task, with every list and every file read.
 * @throws ConfigError where the folder is missing, or holds none of the tasks
 */
export async function checkVtab(root: string, options: CheckOptions = {}): Promise<readonly TaskCheck[]> {
  const tree = folderTree(root);
  const inside = await tree.list("");
  const deeper = inside.some(({ name, isFolder }) => isFolder && name === "vtab-1k") ? await tree.list("vtab-1k") : [];
  const folders = new Map(
    [
      ...deeper.map((entry) => ({ ...entry, path: `vtab-1k/${entry.name}` })),
      ...inside.map((entry) => ({ ...entry, path: entry.name })),
    ]
      .filter(({ isFolder }) => isFolder)
      .map(({ name, path }) => [name, path]),
  );
  const tasks = tasksNamed(options.tasks);
  const folderOf = ({ name, alias = name }: VtabTask): string | undefined => folders.get(name) ?? folders.get(alias);
  if (!options.tasks && !tasks.some(folderOf)) {
    throw new ConfigError(
      `${root}: there is no folder of a task of VTAB-1k (${vtabTasks[0]?.name}, ${vtabTasks[1]?.name}, …). Give the folder they lie in.`,
    );
  }
  const found: TaskCheck[] = [];
  for (const task of tasks) {
    const folder = folderOf(task);
    found.push(
      folder === undefined ? missing(task, options.tasks !== undefined) : await checkTask(task, folder, tree, options),
    );
  }
  return found;
}

const nothing = { train800: null, val200: null, train800val200: null, test: null } as const;

const missing = ({ name, group, classes }: VtabTask, isWanted: boolean): TaskCheck => ({
  task: name,
  group,
  state: "missing",
  folder: null,
  classes: { found: 0, expected: classes },
  lists: nothing,
  digest: null,
  faults: isWanted ? ["there is no folder of this name."] : [],
  notes: [],
});

async function checkTask(task: VtabTask, folder: string, root: FileTree, options: CheckOptions): Promise<TaskCheck> {
  const tree = subtree(root, folder);
  const lists: Partial<Record<VtabList, FoundList>> = {};
  const own = await readOwnSample(tree);
  try {
    const parsed = new Map<VtabList, Pick<FoundList, "paths" | "labels">>();
    for (const name of vtabLists) {
      const file = `${name}.txt`;
      if (await tree.hasFile(file)) parsed.set(name, parseList(await readText(tree, file), join(folder, file)));
    }
    const all = new Set([...parsed.values()].flatMap(({ paths }) => paths));
    const { hashes, unreadable } = await hashFiles(tree, task.name, all, options);
    for (const [name, { paths, labels }] of parsed) {
      lists[name] = { paths, labels, hashes: paths.map((path) => hashes.get(path) ?? null), unreadable };
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { ...missing(task, false), state: "faulty", folder, faults: [error.message] };
  }
  const facts = factsOf(lists);
  const digest = digestOf(facts);
  const seen = new Set(Object.values(lists).flatMap(({ labels }) => Array.from(labels)));
  return {
    task: task.name,
    group: task.group,
    ...judgeTask(task, lists, own, digest),
    folder,
    classes: { found: seen.size, expected: task.classes },
    lists: facts,
    digest,
  };
}

async function hashFiles(
  tree: FileTree,
  task: string,
  paths: ReadonlySet<string>,
  { signal, onProgress }: CheckOptions,
): Promise<{ readonly hashes: ReadonlyMap<string, string>; readonly unreadable: ReadonlyMap<string, string> }> {
  const hashes = new Map<string, string>();
  const unreadable = new Map<string, string>();
  const limit = limitTasks(together);
  let done = 0;
  const look = async (path: string): Promise<void> => {
    signal?.throwIfAborted();
    try {
      const bytes = await tree.read(path);
      imageHeader(bytes, path);
      hashes.set(path, createHash("sha256").update(bytes).digest("hex"));
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      unreadable.set(path, (await tree.hasFile(path)) ? "not an image that is read" : "there is no such file");
    }
    onProgress?.(task, ++done, paths.size);
  };
  await Promise.all([...paths].map((path) => limit(() => look(path))));
  return { hashes, unreadable };
}

const sha256 = (lines: readonly string[]): string => {
  const hash = createHash("sha256");
  for (const line of lines) hash.update(`${line}\n`);
  return hash.digest("hex");
};

/** Lists in numbers; those that are not there are `null`. */
export function factsOf(
  lists: Partial<Record<VtabList, Pick<FoundList, "paths" | "labels" | "hashes">>>,
): Record<VtabList, ListFacts | null> {
  const facts = vtabLists.map((name) => {
    const list = lists[name];
    if (!list) return [name, null] as const;
    const { paths, labels, hashes } = list;
    const lines = sha256(paths.map((path, i) => JSON.stringify([path, labels[i]])));
    return [name, { count: paths.length, lines, files: sha256(hashes.map(String)) }] as const;
  });
  return Object.fromEntries(facts) as Record<VtabList, ListFacts | null>;
}

/** The digest of a task: SHA-256 over the counts and digests of its lists. */
export const digestOf = (lists: Readonly<Record<VtabList, ListFacts | null>>): string =>
  sha256(vtabLists.map((name) => JSON.stringify([name, lists[name]?.count, lists[name]?.lines, lists[name]?.files])));
