/** Text that is HTML or SVG already; nothing else gets into a page without being escaped. */
export class Markup {
  constructor(readonly text: string) {}
  toString(): string {
    return this.text;
  }
}

/** What can be put into a template; null, undefined and false leave nothing. */
export type Content = Markup | string | number | null | undefined | false | readonly Content[];

/**
 * Markup of a template: its own text as it stands, what is put in escaped, unless it is markup itself.
 * ``html`<td>${name}</td>` ``
 */
export const html = (strings: TemplateStringsArray, ...values: readonly Content[]): Markup =>
  new Markup(strings.reduce((text, part, i) => text + markupOf(values[i - 1]) + part));

/** The markup of a content as text. */
function markupOf(content: Content): string {
  if (content === null || content === undefined || content === false) return "";
  if (content instanceof Markup) return content.text;
  if (typeof content === "object") return content.map(markupOf).join("");
  return escapeText(String(content));
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

// Control characters, halves of pairs, and those that turn the direction of writing: names of files and classes are not
// ours, and must not change how the text around them is read.
const dangerous = /(?![\n\t])[\p{Cc}\p{Cs}\p{Bidi_Control}]/gu;

/** The text as it stands between tags or in a quoted attribute. */
export const escapeText = (text: string): string =>
  text.replace(dangerous, "\ufffd").replace(/[&<>"']/g, (character) => entities[character] ?? "");
