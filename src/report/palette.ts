/** Colours of series on light and on dark paper, far apart for most kinds of colour blindness; they repeat after eight. */
const seriesColours: readonly (readonly [light: string, dark: string])[] = [
  ["#2460c8", "#7aaeff"],
  ["#c4530a", "#ff9d5c"],
  ["#13795b", "#4fd1a5"],
  ["#a3278f", "#f08adf"],
  ["#7a5c00", "#e2c044"],
  ["#0b7a8f", "#56cbe0"],
  ["#b3202c", "#ff8a8f"],
  ["#5a6270", "#aab2bf"],
];

/** How many colours there are. */
export const colourCount = seriesColours.length;

/** Colours of a page and its figures: light, then dark. */
export const colours = {
  paper: ["#ffffff", "#14161a"],
  raised: ["#f5f6f8", "#1d2026"],
  ink: ["#1a1d23", "#e9ebee"],
  soft: ["#586070", "#a3abb8"],
  line: ["#dfe2e7", "#333842"],
  accent: ["#2460c8", "#7aaeff"],
  right: ["#13795b", "#4fd1a5"],
  wrong: ["#b3202c", "#ff8a8f"],
} as const satisfies Readonly<Record<string, readonly [string, string]>>;

/** Rules of figures in one of the themes: 0 light, 1 dark. No variables, so that every drawing program reads them. */
const themed = (theme: 0 | 1): string =>
  [
    `.figure .paper{fill:${colours.paper[theme]}}`,
    `.figure text{fill:${colours.soft[theme]}}`,
    `.figure .strong{fill:${colours.ink[theme]}}`,
    `.figure .grid{stroke:${colours.line[theme]}}`,
    `.figure .axis,.figure .tie{stroke:${colours.soft[theme]}}`,
    `.figure .halo{stroke:${colours.paper[theme]}}`,
    ...seriesColours.map((pair, i) => `.figure .s${i}{stroke:${pair[theme]};fill:${pair[theme]}}`),
  ].join("");

/** The style sheet of all figures, for a page that holds some or for a file that is one. */
export const figureStyle = [
  ".figure{display:block;width:100%;height:auto;font:12px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}",
  ".figure text{stroke:none;font-variant-numeric:tabular-nums}",
  ".figure path.line{fill:none;stroke-width:1.8;stroke-linejoin:round}",
  ".figure path.band{fill-opacity:.16;stroke:none}.figure rect{stroke:none}.figure .bar{fill-opacity:.62}",
  ".figure text.halo{stroke-width:3;stroke-linejoin:round;paint-order:stroke}",
  ".figure .tie{stroke-width:.6}",
  themed(0),
  `@media screen and (prefers-color-scheme:dark){${themed(1)}}`,
].join("");
