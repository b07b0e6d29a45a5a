/** A table of texts: the first column names the rows. */
export interface TextTable {
  readonly title?: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Columns that hold words and stand to the left; the first always does. */
  readonly words?: readonly number[];
}

/**
 * The lines of a table, names to the left and all else to the right. What does not fit into the width is continued
 * below, under the names again.
 * @param width characters per line
 */
export function layoutTable({ title, head, rows, words = [] }: TextTable, width: number): readonly string[] {
  const widths = head.map((cell, i) => Math.max(lengthOf(cell), ...rows.map((row) => lengthOf(row[i] ?? ""))));
  const lines: string[] = title === undefined ? [] : [...wrapText(title, width)];
  for (let from = 1; from < head.length || from === 1; ) {
    let to = from;
    let used = widths[0] ?? 0;
    // At least one column, however narrow the terminal is.
    while (to < head.length && (to === from || used + gap.length + (widths[to] ?? 0) <= width)) {
      used += gap.length + (widths[to++] ?? 0);
    }
    const print = (row: readonly string[]): string =>
      [
        pad(row[0] ?? "", widths[0] ?? 0, false),
        ...row.slice(from, to).map((cell, i) => pad(cell, widths[from + i] ?? 0, !words.includes(from + i))),
      ]
        .join(gap)
        .trimEnd();
    if (from > 1) lines.push("");
    lines.push(print(head), rule.repeat(used), ...rows.map(print));
    from = Math.max(to, from + 1);
  }
  return lines;
}

const [gap, rule] = ["  ", "─"];
const lengthOf = (text: string): number => Array.from(text).length;
const pad = (text: string, width: number, isRight: boolean): string => {
  const space = " ".repeat(Math.max(0, width - lengthOf(text)));
  return isRight ? space + text : text + space;
};

/** The words of a text in lines that are not wider than asked, but for a word that alone is. */
export function wrapText(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && lengthOf(last) + 1 + lengthOf(word) <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
