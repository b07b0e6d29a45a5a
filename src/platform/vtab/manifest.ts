import { readFile } from "node:fs/promises";
import { z } from "zod";
import { vtabLists } from "../../data/vtab-check.js";
import { ConfigError, FormatError } from "../../errors.js";
import { explainFailure, writeAtomically } from "../files.js";
import type { TaskCheck } from "./check.js";

const list = z.object({ count: z.number(), lines: z.string(), files: z.string() }).nullable();
const manifest = z.strictObject({
  format: z.literal("sas-petl vtab-1k manifest"),
  version: z.literal(1),
  tasks: z.record(
    z.string(),
    z.strictObject({
      digest: z.string(),
      lists: z.strictObject({ train800: list, val200: list, train800val200: list, test: list }),
    }),
  ),
});

/** Digests of the tasks of a layout, to be compared with another copy or with the same one later. */
export type Manifest = z.infer<typeof manifest>;

/** Writes the digests of the tasks that are there. @throws ConfigError where the file cannot be written */
export async function writeManifest(path: string, checks: readonly TaskCheck[]): Promise<void> {
  const tasks = checks.flatMap(({ task, digest, lists }) =>
    digest === null ? [] : [[task, { digest, lists }] as const],
  );
  const content: Manifest = { format: "sas-petl vtab-1k manifest", version: 1, tasks: Object.fromEntries(tasks) };
  await writeAtomically(path, `${JSON.stringify(content, null, 2)}\n`);
}

/** The manifest in a file. @throws ConfigError where there is no such file, FormatError where it is no manifest */
export async function readManifest(path: string): Promise<Manifest> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw explainFailure(error, path, "read");
  });
  try {
    return manifest.parse(JSON.parse(text));
  } catch (error) {
    throw new FormatError(`${path}: this is no manifest of VTAB-1k. Write one with --write-manifest.`, {
      cause: error,
    });
  }
}

/**
 * The checks, with a fault for whatever is not as a manifest has it.
 * @throws ConfigError where the manifest speaks of none of the tasks
 */
export function compareManifest(checks: readonly TaskCheck[], { tasks }: Manifest): readonly TaskCheck[] {
  if (!checks.some(({ task }) => Object.hasOwn(tasks, task)))
    throw new ConfigError(
      `--compare: the manifest holds none of these tasks; it has ${Object.keys(tasks).join(", ") || "none"}.`,
    );
  return checks.map((check) => {
    const known = Object.hasOwn(tasks, check.task) ? tasks[check.task] : undefined;
    if (!known)
      return check.digest === null
        ? check
        : { ...check, notes: [...check.notes, "the manifest does not have this task."] };
    if (known.digest === check.digest) return { ...check, notes: [...check.notes, "equal to the manifest."] };
    const faults = check.digest === null ? ["the manifest has this task."] : differences(check, known);
    return { ...check, state: check.digest === null ? check.state : "faulty", faults: [...check.faults, ...faults] };
  });
}

function differences({ lists }: TaskCheck, known: Manifest["tasks"][string]): string[] {
  return vtabLists.flatMap((name) => {
    const [now, then] = [lists[name], known.lists[name]];
    if (now?.lines === then?.lines && now?.files === then?.files) return [];
    const what =
      !now || !then || now.count !== then.count
        ? `${now?.count ?? "no"} images, the manifest has ${then?.count ?? "none"}`
        : now.lines !== then.lines
          ? "paths or labels are not those of the manifest"
          : "the lines are those of the manifest, the images are not";
    return [`${name}.txt: ${what}.`];
  });
}
