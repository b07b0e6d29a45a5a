import { percent } from "../report/format.js";
import type { Task } from "./cell.js";
import type { Part } from "./part.js";
import { choicesPart, differencesPart, figureCell, type Material } from "./parts.js";
import type { ResultLine } from "./result.js";
import { meanOf, spreadOf } from "./statistics.js";
import { type Row, tableOf } from "./table.js";

/** A data set of the suite with its tasks, by shots. */
interface ShotSet {
  readonly data: string;
  readonly tasks: readonly (Task & { readonly shots: number })[];
}

/** Name of a task with so many shots. */
export const shotTask = (data: string, shots: number): string => `${data} ${shots}-shot`;

/**
 * The parts of the few-shot report: for each data set accuracy over shots as a table and a figure, a line per method, and
 * for several sets the mean over them.
 */
export function fewShotParts(
  material: Material,
  searched: readonly ResultLine[],
  tasks: readonly Task[],
): readonly Part[] {
  const rows = tableOf(material.lines, material);
  const sets = [...new Set(tasks.map(({ data }) => data))].map((data): ShotSet => {
    const own = tasks.flatMap((task) =>
      task.data === data && task.shots !== undefined ? [{ ...task, shots: task.shots }] : [],
    );
    return { data, tasks: own };
  });
  const parts = sets.map((set) => shotPart(rows, set.tasks[0]?.name.replace(/ \d+-shot$/, "") ?? set.data, set.tasks));
  const shared = differencesPart(rows, material.tasks);
  const choices = choicesPart(searched, material);
  return [
    ...parts,
    ...(sets.length > 1 ? [meanPart(rows, sets)] : []),
    ...(shared ? [shared] : []),
    ...(choices ? [choices] : []),
  ];
}

const axes = {
  x: { label: "training images per class", scale: "log" },
  y: { label: "test top-1", format: (value: number) => percent(value), possible: [0, 1] },
} as const;

function shotPart(rows: readonly Row[], name: string, tasks: ShotSet["tasks"]): Part {
  return {
    id: `shots-${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}`,
    title: `${name}: test top-1 in percent over training images per class, mean ± sd over seeds`,
    table: {
      head: ["method", ...tasks.map(({ shots }) => String(shots))],
      rows: rows.map((row) => [row.method, ...tasks.map((task) => figureCell(row.fields.get(task.name)?.last))]),
    },
    figure: {
      title: `${name}: accuracy over training images per class`,
      x: { ...axes.x, ticks: tasks.map(({ shots }) => shots) },
      y: axes.y,
      width: 640,
      height: 380,
      dodge: 4,
      series: rows.map((row) => ({
        name: row.method,
        mark: "both",
        points: tasks.flatMap(({ name: task, shots }) => {
          const { last } = row.fields.get(task) ?? {};
          if (!last) return [];
          const spread = Number.isNaN(last.sd) ? {} : { low: last.mean - last.sd, high: last.mean + last.sd };
          return [{ x: shots, y: last.mean, ...spread }];
        }),
      })),
    },
  };
}

/** Means over the data sets, seed by seed. */
function meanPart(rows: readonly Row[], sets: readonly ShotSet[]): Part {
  const shots = [...new Set(sets.flatMap(({ tasks }) => tasks.map((task) => task.shots)))];
  const means = rows.map((row): Row => {
    const fields = new Map(row.fields);
    for (const count of shots) {
      const own = sets.flatMap(({ tasks }) => tasks.filter((task) => task.shots === count));
      const scores = own.map(({ name }) => row.fields.get(name)?.bySeed);
      const seeds = [...(scores[0]?.keys() ?? [])].filter((seed) => scores.every((by) => by?.has(seed)));
      const bySeed = new Map(seeds.map((seed) => [seed, meanOf(scores.map((by) => by?.get(seed) ?? Number.NaN))]));
      const task = String(count);
      if (seeds.length > 0) fields.set(task, { task, last: spreadOf([...bySeed.values()]), best: undefined, bySeed });
    }
    return { ...row, fields };
  });
  return shotPart(
    means,
    `mean of ${sets.length} data sets`,
    shots.map((count) => ({ name: String(count), data: "", shots: count })),
  );
}
