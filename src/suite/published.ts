import { FormatError } from "../errors.js";
import { meanOf } from "./statistics.js";
import { groupOf, vtabGroups, vtabTasks } from "./vtab-1k.js";

/** A row of somebody's table, in percent. */
export interface PublishedRow {
  readonly method: string;
  /** Key of the source it was read in. */
  readonly source: string;
  /** Our method that it is about, if there is one. */
  readonly like?: string;
  /** Key of what is known of how it was measured. */
  readonly protocol: string;
  /** Without the head, in millions. */
  readonly parametersMillion?: number;
  /** Normalisation of the pixels, where known. */
  readonly normalization?: string;
  readonly checkpoint?: string;
  /** Mean that the source itself prints; of the groups, unless said otherwise. */
  readonly printedMean?: number;
  readonly printedMeanOf?: "tasks";
  readonly note?: string;
  /** One for each of the nineteen tasks, in their usual order. */
  readonly accuracy: readonly number[];
}

/** Published figures on VTAB-1k with where they come from. */
export interface Published {
  readonly dataset: string;
  readonly backbone: string;
  readonly protocols: Readonly<Record<string, string>>;
  readonly sources: Readonly<Record<string, string>>;
  readonly rows: readonly PublishedRow[];
}

/**
 * The published figures of a file.
 * @throws FormatError where a row does not have nineteen figures from 0 to 100, or names no source or protocol
 */
export function checkPublished(value: unknown, source: string): Published {
  const published = value as Published;
  for (const row of published.rows) {
    const isWhole = row.accuracy.length === vtabTasks.length && row.accuracy.every((x) => x >= 0 && x <= 100);
    if (!isWhole || !published.sources[row.source] || !published.protocols[row.protocol]) {
      throw new FormatError(`${source}: ${row.method}: expected ${vtabTasks.length} figures, a source and a protocol.`);
    }
  }
  return published;
}

/** Figures of a published row by task. */
export const byTask = ({ accuracy }: PublishedRow): ReadonlyMap<string, number> =>
  new Map(vtabTasks.map(({ name }, i) => [name, accuracy[i] as number]));

/** Means of a published row over some of the tasks: of each group, of the groups, of the tasks. */
export function publishedMeans(
  row: PublishedRow,
  tasks: readonly string[],
): { readonly groups: ReadonlyMap<string, number>; readonly groupMean: number; readonly taskMean: number } {
  const figures = byTask(row);
  const over = (names: readonly string[]): number => meanOf(names.map((name) => figures.get(name) ?? Number.NaN));
  const groups = vtabGroups.flatMap((group): [string, number][] => {
    const own = tasks.filter((task) => groupOf(task) === group);
    return own.length > 0 ? [[group, over(own)]] : [];
  });
  return { groups: new Map(groups), groupMean: meanOf(groups.map(([, mean]) => mean)), taskMean: over(tasks) };
}

/** What must be known before a published row is compared with: epoch, pixels, checkpoint, source, remarks. */
export const caveatsOf = (row: PublishedRow, published: Published): readonly string[] => [
  published.protocols[row.protocol] ?? "protocol unknown",
  row.normalization ? `normalisation of pixels: ${row.normalization}` : "normalisation of pixels not stated",
  row.checkpoint ?? "checkpoint not stated",
  ...(row.note ? [row.note] : []),
  published.sources[row.source] ?? "",
];
