import { shortNumber, tickNumber } from "./format.js";
import { type Content, html, Markup } from "./markup.js";
import { colourCount, figureStyle } from "./palette.js";
import { type Scale, type ScaleOptions, scaleOf } from "./scale.js";

/** One value, and how far it may be off. */
export interface Point {
  readonly x: number;
  readonly y: number;
  /** Ends of the spread around `y`, drawn as a band along a bare line and as a whisker at a point. */
  readonly low?: number | undefined;
  readonly high?: number | undefined;
}

/** Values that belong together. */
export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
  /** Default `line`; `both` is a line with its points, `bar` reaches from the ground to `y`. */
  readonly mark?: "line" | "point" | "both" | "bar" | undefined;
  /** Number of the colour; default: the place of the series. */
  readonly colour?: number | undefined;
  readonly isDashed?: boolean | undefined;
}

/** One side of a figure. */
export interface Axis extends Omit<ScaleOptions, "range"> {
  readonly label: string;
  /** How ticks and values are written; default short numbers. */
  readonly format?: ((value: number) => string) | undefined;
}

/** A figure of lines, points or bars over two axes. */
export interface Figure {
  /** What it shows, for those who cannot see it. */
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  /** Names of series: in a legend above (default where there are several), beside their last points, or left out. */
  readonly names?: "legend" | "beside" | "none" | undefined;
  /** In the units of its own; it is drawn as wide as its place allows. Default 440. */
  readonly width?: number | undefined;
  /** Default 260. */
  readonly height?: number | undefined;
  /** Width of a bar in units of x; default 1. */
  readonly barWidth?: number | undefined;
  /** How far each series stands to the right of the one before it, in the units of the width, so that points of the same x are told apart; default 0. */
  readonly dodge?: number | undefined;
}

/** About the width of a text in 12 px letters of the wider fonts that readers have. */
const textWidth = (text: string): number => text.length * 7;
const place = (value: number): string => String(Math.round(value * 10) / 10);
const dashes = ["", "7 4", "2 3", "9 3 2 3"];

/** The figure as an SVG element; it needs `figureStyle` in its page. Values that are not finite are left out. */
export const drawFigure = (figure: Figure): Markup => draw(figure, null);

/** The figure as an SVG file with its own style, on light or dark paper as the reader likes it. */
export const figureFile = (figure: Figure): string => `${draw({ width: 640, height: 400, ...figure }, figureStyle)}\n`;

function draw(figure: Figure, style: string | null): Markup {
  const { title, width = 440, height = 260, names = figure.series.length > 1 ? "legend" : "none" } = figure;
  const series = figure.series.map((one, i) => ({
    ...one,
    points: one.points.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y)),
    className: `s${(one.colour ?? i) % colourCount}`,
    dash: one.isDashed ? "5 4" : (dashes[Math.floor((one.colour ?? i) / colourCount) % dashes.length] as string),
  }));
  const legend = names === "legend" ? placeLegend(series, width) : { rows: 0, entries: [] };
  const top = 12 + legend.rows * 18;
  const bottom = height - 38;
  const points = series.flatMap((one) => one.points);
  const heights = points.flatMap(({ y, low, high }) => [y, low ?? y, high ?? y]);
  const y = scaleOf(heights, { ...figure.y, range: [bottom, top] });
  const writeY = figure.y.format ?? tickNumber;
  const left = 30 + Math.max(...y.ticks.map((tick) => textWidth(writeY(tick))), 12);
  const right = width - 20;
  const x = scaleOf(
    points.map((point) => point.x),
    { ...figure.x, range: [left, right] },
  );
  // As far apart as the margins allow.
  const dodge = Math.min(figure.dodge ?? 0, 30 / Math.max(1, series.length - 1));
  const scales = series.map((_, i): Scale => {
    const shift = (i - (series.length - 1) / 2) * dodge;
    return { ...x, at: (value) => x.at(value) + shift };
  });
  const beside = names === "beside" ? placeNames(series, scales, y, { left, right, top, bottom }) : null;
  const writeX = figure.x.format ?? tickNumber;
  const marks = series.map((one, i) => drawSeries(one, figure, scales[i] as Scale, y, bottom));
  return html`<svg xmlns="http://www.w3.org/2000/svg" class="figure" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">${
    style === null
      ? null
      : html`<style>${new Markup(style)}</style><rect class="paper" width="${width}" height="${height}"/>`
  }${y.ticks.map((tick) => {
    const at = place(y.at(tick));
    return html`<line class="grid" x1="${place(left)}" x2="${place(right)}" y1="${at}" y2="${at}"/><text x="${place(left - 7)}" y="${at}" dy=".32em" text-anchor="end">${writeY(tick)}</text>`;
  })}${y.gap !== undefined && drawBreak(left, y.gap)}${drawBase(left, right, bottom, x.gap)}${x.ticks.map((tick) => {
    const at = place(x.at(tick));
    return html`<line class="axis" x1="${at}" x2="${at}" y1="${bottom}" y2="${bottom + 4}"/><text x="${at}" y="${bottom + 17}" text-anchor="middle">${writeX(tick)}</text>`;
  })}<text x="${place((left + right) / 2)}" y="${height - 4}" text-anchor="middle">${figure.x.label}</text><text transform="translate(12 ${place((top + bottom) / 2)}) rotate(-90)" text-anchor="middle">${figure.y.label}</text>${marks}${legend.entries}${beside}</svg>`;
}

/** The axis below, with two strokes where it is broken. */
function drawBase(left: number, right: number, y: number, gap: number | undefined): Content {
  const piece = (from: number, to: number): Markup =>
    html`<line class="axis" x1="${place(from)}" x2="${place(to)}" y1="${y}" y2="${y}"/>`;
  if (gap === undefined) return piece(left, right);
  const stroke = (at: number): Markup =>
    html`<line class="axis" x1="${place(at - 2)}" x2="${place(at + 2)}" y1="${y + 5}" y2="${y - 5}"/>`;
  return html`${piece(left, gap - 3)}${piece(gap + 3, right)}${stroke(gap - 3)}${stroke(gap + 3)}`;
}

/** Two strokes at the left where the axis there is broken. */
const drawBreak = (x: number, y: number): Content =>
  [y - 3, y + 3].map(
    (at) =>
      html`<line class="axis" x1="${place(x - 5)}" x2="${place(x + 5)}" y1="${place(at + 2)}" y2="${place(at - 2)}"/>`,
  );

interface Drawn extends Series {
  readonly className: string;
  readonly dash: string;
}

function drawSeries(
  { name, points, mark = "line", className, dash }: Drawn,
  figure: Figure,
  x: Scale,
  y: Scale,
  bottom: number,
): Content {
  const { format: writeX = shortNumber } = figure.x;
  const { format: writeY = shortNumber } = figure.y;
  const at = (point: Point): string => `${place(x.at(point.x))} ${place(y.at(point.y))}`;
  const describe = ({ x, y, low, high }: Point): Markup => {
    const spread = low === undefined || high === undefined ? "" : ` (${writeY(low)} to ${writeY(high)})`;
    return html`<title>${name}: ${writeX(x)}, ${writeY(y)}${spread}</title>`;
  };
  if (mark === "bar") {
    const half = (figure.barWidth ?? 1) / 2;
    return points.map((point) => {
      const [from, to, top] = [x.at(point.x - half) + 0.5, x.at(point.x + half) - 0.5, y.at(point.y)];
      return html`<rect class="bar ${className}" x="${place(from)}" y="${place(top)}" width="${place(Math.max(1, to - from))}" height="${place(Math.max(0, bottom - top))}">${describe(point)}</rect>`;
    });
  }
  const hasPoints = mark !== "line" || points.length === 1;
  const spread = points.filter(({ low, high }) => low !== undefined && high !== undefined);
  const edge = [
    ...spread.map((p) => ({ x: p.x, y: p.high ?? p.y })),
    ...spread.map((p) => ({ x: p.x, y: p.low ?? p.y })).reverse(),
  ];
  return [
    mark === "line" && edge.length > 2 && html`<path class="band ${className}" d="M${edge.map(at).join("L")}Z"/>`,
    mark !== "point" &&
      points.length > 1 &&
      html`<path class="line ${className}" d="M${points.map(at).join("L")}"${dash === "" ? null : html` stroke-dasharray="${dash}"`}/>`,
    hasPoints &&
      points.map((point) => {
        const { low = point.y, high = point.y } = point;
        const [cx, cy] = [place(x.at(point.x)), place(y.at(point.y))];
        return html`<g class="${className}">${describe(point)}${
          low < high && html`<line x1="${cx}" x2="${cx}" y1="${place(y.at(low))}" y2="${place(y.at(high))}"/>`
        }<circle cx="${cx}" cy="${cy}" r="3.5"/></g>`;
      }),
  ];
}

/** Names with a piece of their lines, in as many rows as they need. */
function placeLegend(series: readonly Drawn[], width: number): { readonly rows: number; readonly entries: Content } {
  let [x, row] = [10, 0];
  const entries = series.map(({ name, className, dash, mark }) => {
    const needed = 42 + textWidth(name);
    if (x > 10 && x + needed > width) [x, row] = [10, row + 1];
    const [start, y] = [x, 12 + row * 18];
    x += needed;
    const sample =
      mark === "bar" || mark === "point"
        ? html`<circle class="${className}" cx="${place(start + 11)}" cy="${y}" r="4"/>`
        : html`<path class="line ${className}" d="M${place(start)} ${y}h22"${dash === "" ? null : html` stroke-dasharray="${dash}"`}/>`;
    return html`${sample}<text class="strong" x="${place(start + 28)}" y="${y}" dy=".32em">${name}</text>`;
  });
  return { rows: row + 1, entries };
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Names beside the last points, where they neither leave the figure nor cover a point or one another. */
function placeNames(series: readonly Drawn[], scales: readonly Scale[], y: Scale, inside: Box): Content {
  const around = (px: number, py: number): Box => ({ left: px - 5, right: px + 5, top: py - 4, bottom: py + 4 });
  const at = (i: number, point: Point): readonly [number, number] => [(scales[i] as Scale).at(point.x), y.at(point.y)];
  const taken = series.flatMap(({ points }, i) => points.map((point) => around(...at(i, point))));
  const isFree = (box: Box): boolean =>
    box.left >= inside.left &&
    box.right <= inside.right &&
    box.top >= inside.top - 8 &&
    box.bottom <= inside.bottom &&
    !taken.some((o) => box.left < o.right && o.left < box.right && box.top < o.bottom && o.top < box.bottom);
  const shifts = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? 1 : -1) * 3 * Math.ceil(i / 2));
  const ends = series
    .flatMap(({ name, points }, i) =>
      points.slice(-1).map((last) => {
        const [px, py] = at(i, last);
        return { name, px, py };
      }),
    )
    .sort((a, b) => a.py - b.py);
  const placed = ends.map(({ name, px, py }) => {
    const width = textWidth(name);
    const boxes = shifts.flatMap((shift) =>
      [px + 7, px - 7 - width]
        .map((left) => around(left + 5, py - 2 + shift))
        .map((box) => ({ ...box, right: box.left + width, bottom: box.top + 12 })),
    );
    const box = boxes.find(isFree) ?? (boxes[0] as Box);
    taken.push(box);
    const isRight = box.left > px;
    return { name, px, py, isRight, at: isRight ? box.left : box.right, middle: box.top + 6 };
  });
  // A name that had to go far is tied to its point; ties lie under the names.
  const ties = placed
    .filter(({ py, middle }) => Math.abs(middle - py) > 10)
    .map(
      ({ px, py, isRight, at, middle }) =>
        html`<line class="tie" x1="${place(px)}" y1="${place(py)}" x2="${place(isRight ? at - 1 : at + 1)}" y2="${place(middle)}"/>`,
    );
  return [
    ties,
    placed.map(
      ({ name, isRight, at, middle }) =>
        html`<text class="strong halo" x="${place(at)}" y="${place(middle)}" dy=".32em"${!isRight && html` text-anchor="end"`}>${name}</text>`,
    ),
  ];
}
