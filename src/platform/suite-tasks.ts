import { basename, join, resolve } from "node:path";
import { isDrawn } from "../data/drawn.js";
import { vtabTasks } from "../data/vtab-tasks.js";
import { ConfigError } from "../errors.js";
import type { Task } from "../suite/cell.js";
import { isFolder } from "./files.js";

/**
 * The tasks of some names: of VTAB-1k under either of its names, folders below one of the roots or from here, drawn
 * tasks. Without names, all of VTAB-1k that lie below the roots.
 * @throws ConfigError where a task is not there, or named twice
 */
export async function findTasks(roots: readonly string[], names?: readonly string[]): Promise<readonly Task[]> {
  const places = roots.flatMap((root) => [root, join(root, "vtab-1k")]);
  const find = async (name: string, aliases: readonly string[]): Promise<Task | undefined> => {
    for (const alias of aliases)
      for (const data of places.map((place) => join(place, alias))) if (await isFolder(data)) return { name, data };
    return undefined;
  };
  if (names === undefined) {
    const found = await Promise.all(vtabTasks.map(({ name, alias }) => find(name, alias ? [name, alias] : [name])));
    const present = found.filter((task) => task !== undefined);
    if (present.length > 0) return present;
    throw new ConfigError(
      `${roots.join(", ")}: there is no folder of a task of VTAB-1k (${vtabTasks[0]?.name}, ${vtabTasks[1]?.name}, …). Give the folder they lie in, or other tasks with --tasks.`,
    );
  }
  const tasks = await Promise.all(
    names.map(async (name): Promise<Task> => {
      // The settings behind the task's name stay in the data, and in the trial's name.
      if (isDrawn(name)) return { name: name.split(":").slice(0, 2).join(":"), data: name };
      const known = vtabTasks.find((task) => task.name === name || task.alias === name);
      const task = await find(known?.name ?? basename(name), known?.alias ? [known.name, known.alias] : [name]);
      if (task) return task;
      if (await isFolder(name)) return { name: basename(resolve(name)), data: name };
      const below = roots.length > 0 ? `no such task below ${roots.join(", ")}, nor a` : "no";
      throw new ConfigError(`${name}: there is ${below} folder of that name.`);
    }),
  );
  const twice = tasks.find(({ name }, i) => tasks.findIndex((task) => task.name === name) < i);
  if (twice) throw new ConfigError(`tasks: ${twice.name} is named twice, or two folders have that name. Rename one.`);
  if (tasks.length === 0) throw new ConfigError("tasks: expected at least one.");
  return tasks;
}
