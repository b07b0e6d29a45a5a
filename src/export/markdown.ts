/** Characters that mean something in Markdown, and those that do in HTML. */
const special = /[\\`*_[\]#|~]/g;
const entities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;" } as const;
const control = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** The text as Markdown shows it letter by letter: names are not ours. */
export const escapeMarkdown = (text: string): string =>
  text
    .replace(control, "\ufffd")
    .replace(special, "\\$&")
    .replace(/[&<>@]/g, (character) => entities[character as keyof typeof entities]);

/** The text as a YAML string in double quotes. */
export const quoteYaml = (text: string): string => JSON.stringify(text.replace(control, "\ufffd"));
