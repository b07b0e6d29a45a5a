import type { TrialLine } from "./result.js";
import { meanOf, type Spread, spreadOf } from "./statistics.js";

/** A method on a task, over seeds; figures are fractions. */
export interface Field {
  readonly task: string;
  /** Test accuracy of what the runs end with, after the last epoch. */
  readonly last: Spread;
  /** After the epoch that was best on validation images; undefined where a seed has none. */
  readonly best: Spread | undefined;
  /** Last accuracy by seed. */
  readonly bySeed: ReadonlyMap<number, number>;
}

/** A row of a suite's table. */
export interface Row {
  readonly method: string;
  /** Parameters of the method; the largest number where tasks differ. */
  readonly trainable: number;
  /** With the heads, their mean over the tasks. */
  readonly withHead: number;
  /** By task; a task without results is missing. */
  readonly fields: ReadonlyMap<string, Field>;
  /** Group means, by the names of the groups that have all their tasks' results. */
  readonly groups: ReadonlyMap<string, Spread>;
  /** Mean of the group means; undefined where a task is missing. */
  readonly groupMean: Spread | undefined;
  /** Mean of the tasks. */
  readonly taskMean: Spread | undefined;
  /** The same two after the best epoch. */
  readonly bestGroupMean: Spread | undefined;
  readonly bestTaskMean: Spread | undefined;
}

/** What a table is made of. */
export interface TableOptions {
  readonly tasks: readonly string[];
  readonly methods: readonly string[];
  readonly groupOf: (task: string) => string;
}

/**
 * The rows of a suite's table, a row per method with results. Means over tasks are taken seed by seed, then over the
 * seeds that all tasks have, so their spread is that of the mean and not of the tasks.
 */
export function tableOf(lines: readonly TrialLine[], options: TableOptions): readonly Row[] {
  return options.methods
    .map((method) =>
      rowOf(
        method,
        lines.filter((line) => line.method === method),
        options,
      ),
    )
    .filter((row) => row.fields.size > 0);
}

function rowOf(method: string, lines: readonly TrialLine[], { tasks, groupOf }: TableOptions): Row {
  const fields = new Map<string, Field>();
  const best = new Map<string, ReadonlyMap<number, number>>();
  for (const task of tasks) {
    const own = lines.filter((line) => line.task === task && line.scores.test);
    if (own.length === 0) continue;
    const bySeed = new Map(own.map((line) => [line.seed, line.scores.test?.last.top1 ?? Number.NaN]));
    const bests = own.flatMap((line): [number, number][] => {
      const found = line.scores.test?.best;
      return found ? [[line.seed, found.top1]] : [];
    });
    const hasBest = bests.length === own.length;
    if (hasBest) best.set(task, new Map(bests));
    fields.set(task, {
      task,
      last: spreadOf([...bySeed.values()]),
      best: hasBest ? spreadOf(bests.map(([, value]) => value)) : undefined,
      bySeed,
    });
  }
  const last = new Map([...fields].map(([task, { bySeed }]) => [task, bySeed]));
  const names = [...new Set(tasks.map(groupOf))];
  const membersOf = (name: string) => tasks.filter((task) => groupOf(task) === name);
  const groups = names.flatMap((name): [string, Spread][] => {
    const found = seedMeans(last, [membersOf(name)]);
    return found ? [[name, found]] : [];
  });
  const each = tasks.map((task) => [task]);
  const grouped = names.map(membersOf);
  return {
    method,
    trainable: Math.max(...lines.map(({ trainable }) => trainable)),
    withHead: meanOf(lines.map(({ trainable, head }) => trainable + head)),
    fields,
    groups: new Map(groups),
    groupMean: seedMeans(last, grouped),
    taskMean: seedMeans(last, each),
    bestGroupMean: seedMeans(best, grouped),
    bestTaskMean: seedMeans(best, each),
  };
}

/** Spread over seeds of the mean of group means; undefined where a task or a common seed is missing. */
function seedMeans(
  byTask: ReadonlyMap<string, ReadonlyMap<number, number>>,
  groups: readonly (readonly string[])[],
): Spread | undefined {
  const all = groups.flat().map((task) => byTask.get(task));
  const [first] = all;
  if (!first || all.includes(undefined)) return undefined;
  const seeds = [...first.keys()].filter((seed) => all.every((scores) => scores?.has(seed)));
  if (seeds.length === 0) return undefined;
  return spreadOf(
    seeds.map((seed) =>
      meanOf(groups.map((tasks) => meanOf(tasks.map((task) => byTask.get(task)?.get(seed) ?? Number.NaN)))),
    ),
  );
}
