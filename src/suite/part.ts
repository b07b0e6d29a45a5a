import type { Figure } from "../report/figure.js";
import { drawFigure } from "../report/figure.js";
import { type Content, html } from "../report/markup.js";
import type { Section } from "../report/page.js";
import { drawTable } from "../report/table.js";
import type { TextTable } from "./text-table.js";

/** What stands in a cell: a text, or one that is sorted by a number. */
export type PartCell = string | { readonly text: string; readonly sort: number };

/** A table of results, for terminal and page. */
export interface PartTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly PartCell[])[];
  /** Columns that hold words; the first always does. */
  readonly words?: readonly number[];
}

/** A piece of a suite's report: a table, a figure, or words. */
export interface Part {
  /** Letters, digits and hyphens; also the name of the figure's file. */
  readonly id: string;
  readonly title: string;
  readonly table?: PartTable;
  readonly figure?: Figure;
  /** True for a figure that letters cannot draw. */
  readonly isPageOnly?: boolean;
  readonly notes?: readonly string[];
}

const textOf = (cell: PartCell): string => (typeof cell === "string" ? cell : cell.text);

/** The table of a part for a terminal. */
export const textOfTable = (title: string, { head, rows, words = [] }: PartTable): TextTable => ({
  title,
  head,
  words,
  rows: rows.map((row) => row.map(textOf)),
});

/** The part as a section of a page; its heading is short, since the list of contents repeats it. */
export const sectionOf = ({ id, title, table, figure, notes = [] }: Part): Section => ({
  id,
  title: id.charAt(0).toUpperCase() + id.slice(1).replaceAll("-", " "),
  body: [
    html`<p>${title.charAt(0).toUpperCase() + title.slice(1)}</p>`,
    figure && html`<figure>${drawFigure(figure)}</figure>`,
    table &&
      drawTable({
        columns: table.head.map((name, i): { title: Content; isNumber: boolean } => ({
          title: name,
          isNumber: i > 0 && !table.words?.includes(i),
        })),
        rows: table.rows.map((row) =>
          row.map((cell) => (typeof cell === "string" ? cell : { show: cell.text, sort: cell.sort })),
        ),
      }),
    notes.map((note) => html`<p class="soft">${note}</p>`),
  ],
});
