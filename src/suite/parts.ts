import { thousands } from "../counts.js";
import { percent as inPercent } from "../report/format.js";
import type { Part, PartCell } from "./part.js";
import { isFinished, type ResultLine, type TrialLine } from "./result.js";
import { type Interval, meanOf, pairedInterval, type Spread } from "./statistics.js";
import { type Row, tableOf } from "./table.js";

/** What the parts of a report are made of. */
export interface Material {
  readonly lines: readonly TrialLine[];
  readonly tasks: readonly string[];
  /** Labels; the first is what the others are compared with. */
  readonly methods: readonly string[];
  readonly groupOf: (task: string) => string;
}

/** A spread in percent, `89.2 ± 0.4`; a single seed has no deviation. */
export function figureCell(spread: Spread | undefined): PartCell {
  if (spread === undefined) return "–";
  const { mean, sd } = spread;
  return { text: `${percent(mean)}${Number.isNaN(sd) ? "" : ` ± ${percent(sd)}`}`, sort: mean };
}

/** A count of parameters. */
export const countCell = (count: number): PartCell => ({
  text: thousands(count),
  sort: count,
});

const percent = (fraction: number): string => (100 * fraction).toFixed(1);

/** Which epoch figures are of. */
export const epochOf = ({ lines }: Material): string =>
  lines.some(({ config }) => config.patience !== undefined)
    ? "of the best epoch, as patience has it"
    : "after the last epoch";

/** Accuracy of every method on every task. */
const tasksPart = (rows: readonly Row[], { tasks, ...material }: Material): Part => ({
  id: "tasks",
  title: `test top-1 in percent ${epochOf({ tasks, ...material })}, mean ± sd over seeds`,
  table: {
    head: ["method", ...tasks],
    rows: rows.map((row) => [row.method, ...tasks.map((task) => figureCell(row.fields.get(task)?.last))]),
  },
});

/** Means over tasks, with what they cost. */
function meansPart(rows: readonly Row[], { tasks, groupOf, ...material }: Material): Part {
  const groups = [...new Set(tasks.map(groupOf))];
  const isGrouped = groups.length > 1;
  return {
    id: "means",
    title: `means over the tasks, ${epochOf({ tasks, groupOf, ...material })}; best epoch on validation images beside it`,
    table: {
      head: [
        "method",
        "parameters",
        "with head",
        ...(isGrouped ? [...groups, "mean of groups"] : []),
        "mean of tasks",
        ...(isGrouped ? ["best: groups"] : []),
        "best: tasks",
      ],
      rows: rows.map((row) => [
        row.method,
        countCell(row.trainable),
        countCell(row.withHead),
        ...(isGrouped ? [...groups.map((group) => figureCell(row.groups.get(group))), figureCell(row.groupMean)] : []),
        figureCell(row.taskMean),
        ...(isGrouped ? [figureCell(row.bestGroupMean)] : []),
        figureCell(row.bestTaskMean),
      ]),
    },
  };
}

/**
 * Differences to the first method, seed by seed on the same tasks, with 95 % t-intervals.
 * @param means the means over tasks that are shown, by their titles; default: over all
 */
export function differencesPart(
  rows: readonly Row[],
  tasks: readonly string[],
  means: ReadonlyMap<string, readonly string[]> = new Map([["mean of tasks", tasks]]),
): Part | undefined {
  const [base, ...others] = rows;
  if (!base || others.length === 0) return undefined;
  const found = others.flatMap((row): (readonly PartCell[])[] => {
    const shared = tasks.filter((task) => base.fields.has(task) && row.fields.has(task));
    const seeds = commonSeeds([base, row], shared);
    if (shared.length === 0 || seeds.length === 0) return [];
    const difference = (names: readonly string[]): Interval | undefined => {
      const own = names.filter((name) => shared.includes(name));
      if (own.length === 0) return undefined;
      return pairedInterval(seeds.map((seed) => seedMean(row, own, seed) - seedMean(base, own, seed)));
    };
    const columns = [...means.values(), ...tasks.map((task) => [task])];
    return [[row.method, String(seeds.length), ...columns.map((names) => intervalCell(difference(names)))]];
  });
  return {
    id: "differences",
    title: `difference to ${base.method} in points, paired by seed, with 95 % t-interval`,
    table: {
      head: ["method", "pairs", ...means.keys(), ...tasks],
      rows: found,
    },
    notes: ["An interval that holds 0 leaves open which is better; with two seeds it is wide, with one there is none."],
  };
}

const commonSeeds = (rows: readonly Row[], tasks: readonly string[]): readonly number[] => {
  const all = rows.flatMap((row) => tasks.map((task) => row.fields.get(task)?.bySeed));
  return [...(all[0]?.keys() ?? [])].filter((seed) => all.every((scores) => scores?.has(seed)));
};

const seedMean = (row: Row, tasks: readonly string[], seed: number): number =>
  meanOf(tasks.map((task) => row.fields.get(task)?.bySeed.get(seed) ?? Number.NaN));

/** A difference with its interval in points, `+1.2 [+0.3, +2.1]`. */
export function intervalCell(interval: Interval | undefined): PartCell {
  if (!interval) return "–";
  const sign = (value: number): string => `${value < 0 ? "−" : "+"}${percent(Math.abs(value))}`;
  const { mean, low, high } = interval;
  const range = Number.isFinite(low) ? ` [${sign(low)}, ${sign(high)}]` : "";
  return { text: `${sign(mean)}${range}`, sort: mean };
}

/** Mean accuracy over trained parameters, on a logarithmic axis. */
export function parametersPart(rows: readonly Row[]): Part | undefined {
  const known = rows.filter(({ taskMean }) => taskMean !== undefined);
  if (known.length < 2) return undefined;
  return {
    id: "parameters",
    isPageOnly: true,
    title: "mean accuracy over trained parameters",
    figure: {
      title: "Mean test accuracy over trained parameters without head",
      x: { label: "trained parameters without head", scale: "log" },
      y: { label: "mean of tasks", format: (value) => inPercent(value), possible: [0, 1], canBreak: true },
      names: "beside",
      width: 720,
      // Many methods need room for their names.
      height: known.length > 10 ? 480 : 380,
      series: known.map(({ method, trainable, taskMean }) => {
        const { mean, sd } = taskMean as Spread;
        const spread = Number.isNaN(sd) ? {} : { low: mean - sd, high: mean + sd };
        return { name: method, mark: "point", points: [{ x: trainable, y: mean, ...spread }] };
      }),
    },
  };
}

/** Which settings validation images chose, and how good they were there, those that diverged among them. */
export function choicesPart(searched: readonly ResultLine[], { lines, tasks, methods }: Material): Part | undefined {
  const rows = tasks.flatMap((task) =>
    methods.flatMap((method): (readonly PartCell[])[] => {
      const own = (line: ResultLine): boolean => line.task === task && line.method === method;
      const tried = [...new Map(searched.filter(own).map((line) => [line.trial, line])).values()];
      const chosen = lines.find(own);
      if (tried.length < 2 || !chosen) return [];
      const keys = [...new Set(tried.flatMap((line) => Object.keys(settingOf(line))))].filter(
        (key) => new Set(tried.map((line) => JSON.stringify(settingOf(line)[key])).filter(Boolean)).size > 1,
      );
      const nameOf = (line: ResultLine): string =>
        keys.map((key) => `${key} ${[settingOf(line)[key]].flat().join("+")}`).join(", ");
      const isEnd = keys.some((key) => {
        const values = tried.map((line) => settingOf(line)[key]).filter((value) => typeof value === "number");
        return [Math.min(...values), Math.max(...values)].includes(settingOf(chosen)[key] as number);
      });
      return [
        [
          `${task}  ${method}`,
          `${nameOf(chosen)}${isEnd ? " (end)" : ""}`,
          tried.map((line) => `${nameOf(line)}: ${foundBy(line)}`).join("; "),
        ],
      ];
    }),
  );
  if (rows.length === 0) return undefined;
  return {
    id: "choices",
    title: "settings chosen on validation images, with the first seed",
    table: { head: ["task, method", "chosen", "validation top-1 by setting"], rows, words: [2] },
    notes: ["“end” is the smallest or largest number of those tried: a wider grid might give more."],
  };
}

const foundBy = (line: ResultLine): string =>
  !isFinished(line) ? "diverged" : line.val ? percent(line.val.top1) : "–";

/** What a search may choose: a learning rate and the options of the method. */
const settingOf = ({ lr, headLr, options }: ResultLine): Readonly<Record<string, unknown>> => ({
  ...(lr !== undefined && { lr }),
  ...(headLr !== undefined && { headLr }),
  ...options,
});

/** The parts that every comparison has. */
export function comparisonParts(material: Material, searched: readonly ResultLine[]): readonly Part[] {
  const rows = tableOf(material.lines, material);
  const { tasks } = material;
  return [
    tasksPart(rows, material),
    meansPart(rows, material),
    differencesPart(rows, tasks),
    parametersPart(rows),
    choicesPart(searched, material),
  ].filter((part) => part !== undefined);
}
