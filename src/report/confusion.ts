import { thousands } from "../counts.js";
import { orderByConfusion } from "./class-order.js";
import { html, type Markup } from "./markup.js";
import { shortName } from "./run.js";

/** Up to so many classes keep their order, and their counts are written into the cells. */
const mostNumbers = 12;
/** Up to so many classes are named at the sides. */
const mostNames = 40;
const longestName = 18;
const levels = 6;

/** Style rules of the drawing. */
export const confusionStyle = [
  ".confusion{display:block;width:100%;height:auto;font:12px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}",
  ".confusion text{fill:var(--soft);font-variant-numeric:tabular-nums}.confusion .count{fill:var(--ink);text-anchor:middle}",
  ".confused{display:grid;grid-template-columns:minmax(0,5fr) minmax(0,4fr);gap:8px 32px;align-items:start}.confused th{min-width:0}@media (max-width:820px){.confused{grid-template-columns:minmax(0,1fr)}}",
  ".confusion .ground{fill:var(--raised)}.confusion .right{stroke:var(--right);fill:var(--right)}.confusion .wrong{stroke:var(--wrong);fill:var(--wrong)}",
  ".confusion path{fill:none!important}.confusion path.l1{opacity:.4}.confusion path.l2{opacity:.55}",
  ...Array.from(
    { length: levels },
    (_, i) => `.confusion .l${i + 1}{opacity:${(0.16 + (0.64 * i) / (levels - 1)).toFixed(2)}}`,
  ),
].join("");

/**
 * The confusion matrix as an SVG element, a row for each right class, a column for each predicted one. The stronger a
 * cell, the larger the share of its row. Few classes stand in their own order with their counts and names, many in the
 * order of `orderByConfusion`, so that what is confused lies near the diagonal.
 * @param counts `[classes, classes]`
 */
export function drawConfusion(counts: Int32Array, names: readonly string[]): Markup {
  const classes = names.length;
  const order = classes <= mostNumbers ? names.map((_, i) => i) : orderByConfusion(counts, classes);
  const cells = cellsOf(counts, order);
  const side = classes <= 4 ? 280 : 460;
  const cell = side / classes;
  const size = Math.min(12, cell * 0.8);
  const isNamed = classes <= mostNames;
  const short = names.map((name) => shortName(name, longestName));
  // Names lie flat above few columns, else they rise at 55 degrees.
  const [longest, isFlat] = [Math.max(...short.map((name) => name.length)) * 0.62 * size, classes <= 4];
  const left = isNamed ? longest + 10 : 18;
  const above = isNamed && !isFlat ? longest * 0.82 + 20 : 24;
  const right = isNamed && !isFlat ? longest * 0.57 + 4 : 4;
  const place = (value: number): string => value.toFixed(1);
  const label = (c: number, i: number): Markup => {
    const [middle, font] = [place((i + 0.5) * cell), place(size)];
    const turn = isFlat ? html`text-anchor="middle"` : html`text-anchor="start"`;
    return html`<text x="-6" y="${middle}" dy=".32em" text-anchor="end" font-size="${font}">${short[c]}</text><text transform="translate(${middle} -7)${!isFlat && " rotate(-55)"}" ${turn} font-size="${font}">${short[c]}</text>`;
  };
  const [width, height] = [left + side + right, above + side + 24];
  return html`<svg class="confusion" viewBox="0 0 ${place(width)} ${place(height)}" style="max-width:${Math.round(width * 1.4)}px" role="img" aria-label="Confusion matrix of ${classes} classes"><g transform="translate(${place(left)} ${place(above)})"><rect class="ground" width="${side}" height="${side}"/>${
    classes <= mostNumbers ? drawCells(cells, cell, names) : drawRaster(cells, cell)
  }${
    isNamed
      ? order.map(label)
      : html`<text transform="translate(-6 ${side / 2}) rotate(-90)" text-anchor="middle">right class</text>`
  }<text x="${side / 2}" y="${side + 17}" text-anchor="middle">predicted class</text></g></svg>`;
}

interface CellPlace {
  readonly row: number;
  readonly column: number;
  readonly right: number;
  readonly predicted: number;
  readonly count: number;
  /** Of the images of its row. */
  readonly share: number;
}

/** The cells that are not empty, row by row. */
function cellsOf(counts: Int32Array, order: readonly number[]): readonly CellPlace[] {
  const classes = order.length;
  return order.flatMap((right, row) => {
    const total = counts.subarray(right * classes, (right + 1) * classes).reduce((sum, count) => sum + count, 0);
    return order.flatMap((predicted, column) => {
      const count = counts[right * classes + predicted] as number;
      return count === 0 ? [] : [{ row, column, right, predicted, count, share: count / total }];
    });
  });
}

const kindOf = ({ row, column }: CellPlace): string => (row === column ? "right" : "wrong");
const levelOf = ({ share }: CellPlace): number => Math.max(1, Math.ceil(share * levels));

const drawCells = (cells: readonly CellPlace[], size: number, names: readonly string[]): readonly Markup[] =>
  cells.map((cell) => {
    const [x, y] = [cell.column * size, cell.row * size];
    const digits = String(cell.count).length;
    const font = Math.min(15, (size * 1.3) / digits, size * 0.5);
    return html`<g><title>${names[cell.right]} taken for ${names[cell.predicted]}: ${thousands(cell.count)} of ${thousands(cell.count / cell.share)}</title><rect class="${kindOf(cell)} l${levelOf(cell)}" stroke="none" x="${(x + 0.5).toFixed(1)}" y="${(y + 0.5).toFixed(1)}" width="${(size - 1).toFixed(1)}" height="${(size - 1).toFixed(1)}"/><text class="count" x="${(x + size / 2).toFixed(1)}" y="${(y + size / 2).toFixed(1)}" dy=".35em" font-size="${font.toFixed(1)}">${cell.count}</text></g>`;
  });

/** One path for every strength, with a piece for every cell: small however many cells there are. */
function drawRaster(cells: readonly CellPlace[], size: number): Markup {
  const pieces = new Map<string, string[]>();
  for (const cell of cells) {
    const key = `${kindOf(cell)} l${levelOf(cell)}`;
    const piece = `M${cell.column} ${cell.row}h1`;
    const list = pieces.get(key);
    if (list) list.push(piece);
    else pieces.set(key, [piece]);
  }
  const paths = [...pieces].map(([key, parts]) => html`<path class="${key}" d="${parts.join("")}"/>`);
  return html`<g transform="scale(${size.toFixed(5)}) translate(0 .5)">${paths}</g>`;
}
