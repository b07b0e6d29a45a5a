import { type Content, html, Markup } from "./markup.js";
import { pageScript, pageScriptHash } from "./script.js";
import { pageStyle } from "./style.js";

/** One part of a page, with an entry in its list of contents. */
export interface Section {
  /** Letters, digits and hyphens; what a link to it ends in. */
  readonly id: string;
  readonly title: string;
  readonly body: Content;
}

/** A page that stands alone. */
export interface Page {
  readonly title: string;
  /** What stands below the title. */
  readonly lead?: Content;
  readonly sections: readonly Section[];
  readonly foot?: Content;
  /** Style rules of this page alone. */
  readonly style?: string | undefined;
}

/** Nothing is fetched, and no script runs but the page's own, even where an escape were missing. */
const policy = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src '${pageScriptHash}'; base-uri 'none'; form-action 'none'`;

/** The page as the text of one HTML file that needs no other. */
export const writePage = ({ title, lead, sections, foot, style = "" }: Page): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${new Markup(policy)}">
<meta name="generator" content="sas-petl">
<title>${title}</title>
<style>${new Markup(pageStyle + style)}</style>
</head>
<body>
<header>
<h1>${title}</h1>
${lead}
</header>
${
  sections.length > 2 &&
  html`<nav aria-label="Contents"><ul>${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
`
}<main>
${sections.map(
  ({ id, title, body }) => html`<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>
${body}
</section>
`,
)}</main>
<footer>${foot}</footer>
<script>${new Markup(pageScript)}</script>
</body>
</html>
`.text;

/** A number that shall be seen first. */
export interface Tile {
  readonly title: string;
  readonly value: Content;
  readonly more?: Content;
}

/** The most important numbers side by side; the first one is the largest. */
export const drawTiles = (tiles: readonly Tile[]): Markup =>
  html`<dl class="tiles">${tiles.map(({ title, value, more }, i) => html`<div class="tile${i === 0 && " first"}"><dt>${title}</dt><dd class="value">${value}</dd>${more && html`<dd class="more">${more}</dd>`}</div>`)}</dl>`;

/** Names with their values, one below the other. */
export const drawFacts = (facts: readonly (readonly [name: Content, value: Content])[]): Markup =>
  html`<dl class="facts">${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;

/** A drawing with a heading and a sentence that says what is to be seen. */
export const withCaption = (title: Content, text: Content, drawing: Markup): Markup =>
  html`<figure><figcaption><b>${title}</b> ${text}</figcaption>${drawing}</figure>`;

/** Drawings side by side where there is room. */
export const sideBySide = (...drawings: readonly Content[]): Markup => html`<div class="grid">${drawings}</div>`;
