import { FormatError, suggest } from "../errors.js";
import { parseCsv, parseJsonLines, type Table } from "./csv.js";
import type { Split } from "./dataset.js";
import { checkPath } from "./file-tree.js";

/** Names that mean a split, of folders, lists and values of a split column. */
export const splitWords: Readonly<Record<string, Split>> = {
  train: "train",
  val: "val",
  valid: "val",
  validation: "val",
  dev: "val",
  test: "test",
};

/** The split a word means, whatever its case. */
export const splitOf = (word: string): Split | undefined => {
  const lower = word.trim().toLowerCase();
  return Object.hasOwn(splitWords, lower) ? splitWords[lower] : undefined;
};

const pathColumns = ["file_name", "filename", "path", "image_path", "file_path", "filepath", "image", "file", "img"];
const labelColumns = ["label", "class", "category", "target", "class_name", "labels"];
const splitColumns = ["split", "subset", "set"];

/** One image of a list. */
export interface ListedImage {
  /** Path below the list's folder. */
  readonly path: string;
  /** The label as it is written: a name or a number. */
  readonly label: string;
  /** What its row says of the split. */
  readonly split: Split | undefined;
  /** From 1. */
  readonly line: number;
}

/** True for the name of a list that `parseTable` reads. */
export const isTableName = (name: string): boolean => /\.(csv|tsv|jsonl|ndjson)$/i.test(name);

/** The table of a list; its name says of which kind. @throws FormatError naming the line that is malformed */
export const parseTable = (text: string, name: string): Table =>
  /\.(jsonl|ndjson)$/i.test(name) ? parseJsonLines(text, name) : parseCsv(text, name);

const find = (columns: readonly string[], names: readonly string[]): number => {
  const lower = columns.map((column) => column.toLowerCase());
  return lower.indexOf(names.find((name) => lower.includes(name)) ?? "");
};

/** Why a table is no list of labelled images, or `undefined` where it is one. */
export function faultOf({ columns }: Table, name: string): string | undefined {
  const missing = [
    ...(find(columns, pathColumns) < 0 ? [`the image's path (${pathColumns.slice(0, 5).join(", ")} or image)`] : []),
    ...(find(columns, labelColumns) < 0 ? [`its class (${labelColumns.slice(0, 5).join(", ")})`] : []),
  ];
  const lower = columns.map((column) => column.toLowerCase());
  const twice = [pathColumns, labelColumns, splitColumns]
    .map((names) => lower[find(columns, names)])
    .find((column) => column !== undefined && lower.indexOf(column) < lower.lastIndexOf(column));
  if (twice !== undefined) {
    return `${name}: two columns are called ${JSON.stringify(twice)}. Rename or remove one of them.`;
  }
  if (missing.length === 0) return undefined;
  const shown = columns.slice(0, 12).map((column) => JSON.stringify(column.slice(0, 40)));
  return (
    `${name}: expected a column for ${missing.join(" and one for ")}, found ${shown.join(", ")}. ` +
    "Rename the columns in the first row."
  );
}

/** True for the JSON of a list or an object, as multi-label data sets have it. */
function holdsSeveral(label: string): boolean {
  if (!/^[[{]/.test(label)) return false;
  try {
    return typeof JSON.parse(label) === "object";
  } catch {
    return false;
  }
}

/**
 * The labelled images of a table.
 * @param name the list's name, for messages
 * @throws FormatError naming the line without path or label, with several labels, with a path that leads out, or with an unknown split
 */
export function listImages(table: Table, name: string): readonly ListedImage[] {
  const fault = faultOf(table, name);
  if (fault) throw new FormatError(fault);
  const { columns, rows } = table;
  const [pathAt, labelAt, splitAt] = [pathColumns, labelColumns, splitColumns].map((names) => find(columns, names));
  if (rows.length === 0) throw new FormatError(`${name}: the list names no images; expected a row for each.`);
  return rows.map(({ line, cells }) => {
    const where = `${name}, line ${line}`;
    const cell = (at: number | undefined): string => cells[at ?? -1]?.trim() ?? "";
    const refuse = (column: number | undefined): never => {
      throw new FormatError(`${where}: the column ${columns[column ?? -1]} is empty. Fill it in, or remove the line.`);
    };
    if (cell(pathAt) === "") refuse(pathAt);
    if (cell(labelAt) === "") refuse(labelAt);
    if (holdsSeveral(cell(labelAt))) {
      throw new FormatError(
        `${where}: expected one class, got ${cell(labelAt).slice(0, 80)}. An image has one class here; write a name or a number.`,
      );
    }
    const split = splitOf(cell(splitAt));
    if ((splitAt ?? -1) >= 0 && !split) {
      throw new FormatError(
        `${where}: ${JSON.stringify(cell(splitAt).slice(0, 40))} is no split. ${suggest(cell(splitAt), Object.keys(splitWords))}`,
      );
    }
    return { path: checkPath(cell(pathAt), where), label: cell(labelAt), split, line };
  });
}
