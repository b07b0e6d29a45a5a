import type { Figure } from "../report/figure.js";

const marks = "●○◆◇■□▲△";

/**
 * The lines of a figure in letters: its values as marks over columns of equal width, one for each different x, and what
 * the marks mean. Series that fall on one another show the last one's mark.
 * @param height lines for the values
 */
export function layoutFigure({ x, y, series, title }: Figure, width: number, height = 12): readonly string[] {
  const points = series.flatMap((one) => one.points).filter((point) => Number.isFinite(point.y));
  const places = [...new Set(points.map((point) => point.x))].sort((a, b) => a - b);
  if (places.length === 0) return [title, "  nothing to show yet"];
  const values = points.map((point) => point.y);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const span = high - low || 1;
  const writeY = y.format ?? String;
  const label = (row: number): string => writeY(high - (row * span) / (height - 1));
  const room = Math.max(...Array.from({ length: height }, (_, row) => label(row).length));
  const step = Math.max(3, Math.min(12, Math.floor((width - room - 3) / places.length)));
  const rows = Array.from({ length: height }, () => Array.from({ length: step * places.length }, () => " "));
  series.forEach((one, i) => {
    for (const point of one.points) {
      if (!Number.isFinite(point.y)) continue;
      const row = rows[Math.round(((high - point.y) / span) * (height - 1))];
      if (row) row[places.indexOf(point.x) * step + Math.floor(step / 2)] = marks[i % marks.length] as string;
    }
  });
  const isNamed = (row: number): boolean => row === 0 || row === height - 1 || row === Math.floor(height / 2);
  const writeX = x.format ?? String;
  const names = places.map((place) => {
    const text = writeX(place);
    const left = Math.max(0, Math.floor(step / 2) - Math.floor((text.length - 1) / 2));
    return (" ".repeat(left) + text).padEnd(step).slice(0, step);
  });
  return [
    title,
    ...rows.map((row, i) => `${(isNamed(i) ? label(i) : "").padStart(room)} │${row.join("")}`.trimEnd()),
    `${" ".repeat(room)} └${"─".repeat(step * places.length)}`,
    `${" ".repeat(room)}  ${names.join("")}  ${x.label}`.trimEnd(),
    ...series.map((one, i) => `  ${marks[i % marks.length]} ${one.name}`),
  ];
}
