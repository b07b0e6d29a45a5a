import { thousands } from "../counts.js";
import { shareInterval } from "../evaluate/interval.js";
import { percent } from "./format.js";
import { html, type Markup } from "./markup.js";
import { className, type Run } from "./run.js";
import { drawTable, fractionBar } from "./table.js";

/** So many lines a table has at most, so that the file stays small. */
const mostRows = 1000;

/** One table row for each class that has images, worst first: how many there are, how many are right, taken for what. */
export function drawClasses(run: Run, counts: Int32Array): Markup {
  const classes = run.classes.length;
  const found = run.classes.flatMap((_, right) => {
    const row = counts.subarray(right * classes, (right + 1) * classes);
    const total = row.reduce((sum, count) => sum + count, 0);
    if (total === 0) return [];
    const hits = row[right] as number;
    let other = -1;
    row.forEach((count, c) => {
      if (c !== right && count > 0 && (other < 0 || count > (row[other] as number))) other = c;
    });
    return [{ right, total, hits, share: hits / total, other, confused: other < 0 ? 0 : (row[other] as number) }];
  });
  const rows = found.sort((a, b) => a.share - b.share || b.total - a.total || a.right - b.right);
  const predicted = new Int32Array(classes);
  counts.forEach((count, at) => {
    predicted[at % classes] = (predicted[at % classes] as number) + count;
  });
  const shown = rows.slice(0, mostRows);
  return html`${drawTable({
    columns: [
      { title: "class" },
      { title: "images", isNumber: true },
      { title: "right", isNumber: true },
      { title: "recall", isNumber: true },
      { title: "" },
      { title: "precision", isNumber: true },
      { title: "most often taken for" },
    ],
    rows: shown.map(({ right, total, hits, share, other, confused }) => {
      const [low, high] = shareInterval(hits, total);
      const all = predicted[right] as number;
      return [
        className(run, right),
        thousands(total),
        thousands(hits),
        {
          show: html`<span title="95 % interval ${percent(low)} to ${percent(high)}">${percent(share)}</span>`,
          sort: share,
        },
        { show: fractionBar(share), sort: share },
        { show: all === 0 ? "–" : percent(hits / all), sort: all === 0 ? -1 : hits / all },
        other < 0
          ? { show: "", sort: "" }
          : html`${className(run, other)} <span class="soft">${thousands(confused)}×</span>`,
      ];
    }),
    isTall: shown.length > 16,
  })}${shown.length < rows.length && html`<p class="soft">The worst ${thousands(mostRows)} of ${thousands(rows.length)} classes.</p>`}`;
}

/** The pairs of classes that are confused most often, right class first. */
export function drawConfusedPairs(run: Run, counts: Int32Array, most = 12): Markup | null {
  const classes = run.classes.length;
  const pairs: { right: number; other: number; count: number; total: number }[] = [];
  for (let right = 0; right < classes; right++) {
    const row = counts.subarray(right * classes, (right + 1) * classes);
    const total = row.reduce((sum, count) => sum + count, 0);
    row.forEach((count, other) => {
      if (other !== right && count > 0) pairs.push({ right, other, count, total });
    });
  }
  if (pairs.length === 0) return null;
  pairs.sort((a, b) => b.count - a.count || a.total - b.total || a.right - b.right);
  return drawTable({
    columns: [{ title: "right class" }, { title: "taken for" }, { title: "images", isNumber: true }],
    rows: pairs
      .slice(0, most)
      .map(({ right, other, count, total }) => [
        className(run, right),
        className(run, other),
        { show: html`${thousands(count)} <span class="soft">of ${thousands(total)}</span>`, sort: count },
      ]),
  });
}
