import { parseHTML } from "linkedom";
import { describe, expect, it } from "vitest";
import { drawFigure, type Figure, figureFile } from "../../src/report/figure.js";

const figure: Figure = {
  title: "Accuracy <over> shots",
  x: { label: "images per class", scale: "log", ticks: [1, 2, 4] },
  y: { label: "top-1", from: 0, to: 1 },
  series: [
    { name: "<script>", mark: "both", points: [1, 2, 4].map((x) => ({ x, y: x / 8, low: x / 9, high: x / 7 })) },
    { name: "sas", points: [1, 2, 4].map((x) => ({ x, y: x / 5, low: x / 6, high: x / 4 })) },
    {
      name: "holes",
      mark: "point",
      points: [
        { x: Number.NaN, y: 1 },
        { x: 1, y: Number.POSITIVE_INFINITY },
        { x: 2, y: 0.5 },
      ],
    },
  ],
};
const parse = (text: string) => parseHTML(`<html><body>${text}</body></html>`).document;

describe("a figure", () => {
  it("has a line, its points, its spread and its name for each series", () => {
    const document = parse(drawFigure(figure).text);
    expect(document.querySelector("svg")?.getAttribute("aria-label")).toBe(figure.title);
    expect(document.querySelectorAll("circle")).toHaveLength(3 + 1 + 1);
    expect(document.querySelectorAll("path.band")).toHaveLength(1);
    expect(document.querySelectorAll("g.s0 line")).toHaveLength(3);
    expect([...document.querySelectorAll("text.strong")].map(({ textContent }) => textContent)).toEqual([
      "<script>",
      "sas",
      "holes",
    ]);
    expect(document.querySelectorAll("script")).toHaveLength(0);
    expect(document.querySelector("g.s0 title")?.textContent).toBe("<script>: 1, 0.125 (0.1111 to 0.1429)");
  });

  it("holds no number that is none, and stays inside its frame", () => {
    const text = drawFigure(figure).text;
    expect(text).not.toMatch(/NaN|Infinity|undefined/);
    for (const circle of parse(text).querySelectorAll("circle")) {
      expect(Number(circle.getAttribute("cx"))).toBeLessThanOrEqual(440);
      expect(Number(circle.getAttribute("cy"))).toBeLessThanOrEqual(260);
    }
    for (const series of [[], [{ name: "one", points: [{ x: 3, y: 3 }] }]]) {
      expect(drawFigure({ ...figure, series, x: { label: "" }, y: { label: "" } }).text).not.toMatch(/NaN|Infinity/);
    }
  });

  it("writes names beside points where they cover nothing", () => {
    const series = Array.from({ length: 8 }, (_, i) => ({
      name: `method ${i}`,
      mark: "point" as const,
      points: [{ x: 10 + i, y: 0.5 }],
    }));
    const document = parse(drawFigure({ ...figure, x: { label: "", from: 0, to: 100 }, series, names: "beside" }).text);
    const rows = [...document.querySelectorAll("text.halo")].map((text) => Number(text.getAttribute("y")));
    expect(rows).toHaveLength(8);
    const sorted = rows.toSorted((a, b) => a - b);
    for (let i = 2; i < sorted.length; i++) expect(sorted[i] - sorted[i - 2]).toBeGreaterThanOrEqual(11);
    // The names that are far from their points are tied to them.
    const height = Number(document.querySelector("circle")?.getAttribute("cy"));
    const ties = document.querySelectorAll("line.tie");
    expect(ties).toHaveLength(rows.filter((row) => Math.abs(row - height) > 10).length);
    expect(ties.length).toBeGreaterThan(0);
  });

  it("sets series of the same x side by side, within the margins", () => {
    const wide = (count: number): number[] => {
      const series = Array.from({ length: count }, (_, i) => ({ name: `${i}`, points: [{ x: 1, y: i }] }));
      const document = parse(drawFigure({ ...figure, x: { label: "" }, y: { label: "" }, series, dodge: 4 }).text);
      return [...document.querySelectorAll("circle")].map((circle) => Number(circle.getAttribute("cx")));
    };
    const [first = 0, second = 0, third = 0] = wide(3);
    expect([second - first, third - second]).toEqual([4, 4]);
    const all = wide(30);
    expect(Math.max(...all) - Math.min(...all)).toBeCloseTo(30, 0);
  });

  it("breaks a logarithmic axis that begins with 0", () => {
    const points = [0, 100, 1000].map((x) => ({ x, y: 0.5 }));
    const axes = (from: number): number => {
      const shown: Figure = {
        ...figure,
        x: { label: "", scale: "log" },
        series: [{ name: "a", points: points.slice(from) }],
      };
      return parse(drawFigure(shown).text).querySelectorAll("line.axis").length;
    };
    // Two pieces and two strokes for one, and the tick at 0.
    expect(axes(0) - axes(1)).toBe(3 + 1);
  });

  it("breaks the axis at the left where it may, and one point lies far below", () => {
    const strokes = (canBreak: boolean): number => {
      const series = [58, 80, 82, 84].map((y, i) => ({ name: `${i}`, points: [{ x: i, y }] }));
      const shown = { ...figure, x: { label: "" }, y: { label: "", canBreak }, series };
      return parse(drawFigure(shown).text).querySelectorAll("line.axis").length;
    };
    expect(strokes(true) - strokes(false)).toBe(2);
  });

  it("as a file names its space, brings its style and nothing from elsewhere", () => {
    const file = figureFile(figure);
    expect(file.startsWith('<svg xmlns="http://www.w3.org/2000/svg"')).toBe(true);
    expect(file).toContain("<style>");
    expect(file).not.toContain("var(");
    expect(file.match(/https?:/g)).toHaveLength(1);
  });
});
