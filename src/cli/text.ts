const width = 80;

/** Columns, numbers to the right. */
export function* tableLines(head: readonly string[], rows: readonly (readonly string[])[]): Generator<string> {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  const isNumber = head.map((_, column) => rows.every((row) => /^([\d,/]+|–)$/.test(row[column] ?? "")));
  for (const row of all) {
    const cells = row.map((cell, i) => (isNumber[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)));
    yield cells.join("  ").trimEnd();
  }
}

/** The text in lines of at most 80 columns, as far as its words allow; all but the first begin further in. */
export function* wrapLines(text: string, indent: string): Generator<string> {
  let line = indent;
  for (const word of text.split(" ")) {
    if (line.length + word.length > width && line.trim() !== "") {
      yield line.trimEnd();
      line = `${indent}  `;
    }
    line += `${word} `;
  }
  yield line.trimEnd();
}
