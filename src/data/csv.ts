import { FormatError } from "../errors.js";

/** Named columns of text, row by row. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly { readonly line: number; readonly cells: readonly string[] }[];
}

/**
 * The table of a text with a header row, divided by commas, semicolons or tabs, whichever the header has most of.
 * Fields may be quoted with `"`, and then hold separators, line ends and `""` for a quote; empty lines are skipped.
 * @param name the file's name, for messages
 * @throws FormatError naming the line that is malformed
 * @see RFC 4180
 */
export function parseCsv(text: string, name: string): Table {
  const separator = separatorOf(text);
  const rows: { line: number; cells: string[] }[] = [];
  let [at, line] = [0, 1];
  const refuse = (where: number, what: string): never => {
    throw new FormatError(`${name}, line ${where}: ${what}. Correct the line.`);
  };
  while (at < text.length) {
    const cells: string[] = [];
    const first = line;
    for (;;) {
      let cell = "";
      if (text[at] === '"') {
        for (;;) {
          const close = text.indexOf('"', at + 1);
          if (close < 0) refuse(first, "a quoted field has no closing quote");
          cell += text.slice(at + 1, close);
          at = close + 1;
          if (text[at] !== '"') break;
          cell += '"';
        }
        line += cell.split("\n").length - 1;
        if (at < text.length && !`${separator}\r\n`.includes(text[at] as string)) {
          refuse(line, "there is text behind a closing quote; write a quote inside a field twice");
        }
      } else {
        const start = at;
        while (at < text.length && text[at] !== separator && text[at] !== "\n" && text[at] !== "\r") at++;
        cell = text.slice(start, at);
      }
      cells.push(cell);
      if (text[at] !== separator) break;
      at++;
    }
    if (text[at] === "\r") at++;
    if (text[at] === "\n") at++;
    if (cells.length > 1 || cells[0] !== "") rows.push({ line: first, cells });
    line++;
  }
  const [header, ...body] = rows;
  if (!header) throw new FormatError(`${name}: the list is empty; expected a row with the names of the columns.`);
  const wrong = body.find(({ cells }) => cells.length !== header.cells.length);
  if (wrong) {
    refuse(wrong.line, `expected ${header.cells.length} fields as in the header, got ${wrong.cells.length}`);
  }
  return { columns: header.cells.map((cell) => cell.trim()), rows: body };
}

function separatorOf(text: string): string {
  const header = (/^.*/.exec(text)?.[0] ?? "").replaceAll(/"[^"]*"/g, "");
  const counts = [",", ";", "\t"].map((mark) => [mark, header.split(mark).length] as const);
  return counts.reduce((best, next) => (next[1] > best[1] ? next : best))[0];
}

/**
 * The table of a text with one JSON object per line; its columns are the keys of all lines, in the order in which they
 * come. A missing or `null` value is empty text, a list or an object its JSON.
 * @param name the file's name, for messages
 * @throws FormatError naming the line that is no JSON object
 */
export function parseJsonLines(text: string, name: string): Table {
  const columns = new Map<string, number>();
  const rows: { line: number; cells: string[] }[] = [];
  text.split("\n").forEach((content, i) => {
    if (content.trim() === "") return;
    const value = parseObject(content);
    if (!value) {
      throw new FormatError(
        `${name}, line ${i + 1}: expected one JSON object per line as in {"file_name": "a.jpg", "label": "cat"}, got ` +
          `${JSON.stringify(content.slice(0, 80))}.`,
      );
    }
    const cells: string[] = [];
    for (const [key, cell] of Object.entries(value)) {
      if (!columns.has(key)) columns.set(key, columns.size);
      const text = typeof cell === "object" ? JSON.stringify(cell) : String(cell);
      cells[columns.get(key) as number] = cell === null ? "" : text;
    }
    rows.push({ line: i + 1, cells });
  });
  if (rows.length === 0) throw new FormatError(`${name}: the list is empty; expected one JSON object per line.`);
  const filled = rows.map(({ line, cells }) => ({ line, cells: Array.from(columns, (_, i) => cells[i] ?? "") }));
  return { columns: [...columns.keys()], rows: filled };
}

function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
