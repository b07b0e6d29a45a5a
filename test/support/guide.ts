/** A fenced block of a Markdown text. */
export interface Block {
  readonly language: string;
  /** The file it stands for, behind the language: ```` ```ts gate.ts ````. */
  readonly file: string | undefined;
  readonly text: string;
  /** Where it begins, from 1. */
  readonly line: number;
}

/** The fenced blocks of a Markdown text, in order. */
export function readBlocks(markdown: string): readonly Block[] {
  const lines = markdown.split("\n");
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at++) {
    const [, language = "", file] = /^```(\w*) ?(\S+)?$/.exec(lines[at] ?? "") ?? [];
    if (!lines[at]?.startsWith("```")) continue;
    const end = lines.indexOf("```", at + 1);
    if (end < 0) throw new Error(`line ${at + 1}: the block does not end`);
    blocks.push({ language, file, text: lines.slice(at + 1, end).join("\n"), line: at + 1 });
    at = end;
  }
  return blocks;
}

/** The lines of an expected output that a real one lacks, in this order; `…` stands for anything within a line. */
export function missingLines(expected: string, output: string): readonly string[] {
  const missing: string[] = [];
  const lines = output.split("\n").map((line) => line.trim());
  let from = 0;
  for (const line of expected.split("\n").map((text) => text.trim())) {
    if (line === "" || line === "…") continue;
    const pattern = new RegExp(`^${line.split("…").map(literal).join(".*")}$`);
    const at = lines.findIndex((text, i) => i >= from && pattern.test(text));
    if (at < 0) missing.push(line);
    else from = at + 1;
  }
  return missing;
}

const literal = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
