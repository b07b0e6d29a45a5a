import { type Content, html, type Markup } from "./markup.js";

/** One column of a table. */
export interface Column {
  readonly title: Content;
  /** Numbers stand to the right, words to the left; default words. */
  readonly isNumber?: boolean | undefined;
}

/** What stands in a cell: content, or content with the value it is sorted by. */
export type Cell = Content | { readonly show: Content; readonly sort: number | string };

/** A table that a reader can sort by any column. */
export interface Table {
  /** What it holds, written above it. */
  readonly caption?: Content;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
  /** True where it is tall and shall scroll in a frame of its own. */
  readonly isTall?: boolean | undefined;
}

/**
 * The table as HTML. The first cell of a row is its heading. Of more than four rows, headings become buttons
 * that sort where the page's script runs; without it the rows stay as they are. It scrolls sideways in a frame of its own where it is too wide.
 */
export function drawTable({ caption, columns, rows, isTall = false }: Table): Markup {
  const label = caption === undefined ? null : html`<caption>${caption}</caption>`;
  const heads = columns.map(
    ({ title, isNumber }) => html`<th scope="col"${isNumber && html` class="number"`}>${title}</th>`,
  );
  const lines = rows.map((cells) => html`<tr>${cells.map((cell, i) => drawCell(cell, columns[i], i === 0))}</tr>`);
  return html`<div class="scroll${isTall && " tall"}" tabindex="0" role="group"><table${rows.length > 4 && html` class="sortable"`}>${label}<thead><tr>${heads}</tr></thead><tbody>
${lines.map((line) => html`${line}\n`)}</tbody></table></div>`;
}

function drawCell(cell: Cell, column: Column | undefined, isHead: boolean): Markup {
  const isPair = typeof cell === "object" && cell !== null && "sort" in cell;
  const content = isPair ? cell.show : cell;
  const attributes = html`${isPair && html` data-sort="${cell.sort}"`}${column?.isNumber && html` class="number"`}`;
  return isHead ? html`<th scope="row"${attributes}>${content}</th>` : html`<td${attributes}>${content}</td>`;
}

/** A bar inside a cell that shows a fraction from 0 to 1. */
export const fractionBar = (fraction: number): Markup =>
  html`<svg class="meter" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="ground" width="100" height="8"/><rect class="value" width="${(100 * Math.min(1, Math.max(0, fraction))).toFixed(1)}" height="8"/></svg>`;
