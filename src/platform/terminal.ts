import { createColors } from "picocolors";

/** True where text on this stream may be coloured: a terminal, and nobody asked for none. */
const mayColor = ({ isTTY }: NodeJS.WriteStream): boolean =>
  isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb";

const colors = createColors(mayColor(process.stderr));

// Control characters, and those that turn the direction of writing: names of files and classes are not ours.
const dangerous = /(?!\n)[\p{Cc}\p{Bidi_Control}]/gu;

/** The text without characters that could steer a terminal; line breaks stay. */
export const clean = (text: string): string => text.replace(dangerous, "\ufffd");

/** Writes one line of results to stdout. */
export const print = (text: string): void => void process.stdout.write(`${clean(text)}\n`);

/** Writes one JSON object as a line to stdout. */
export const printJson = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

/** Writes one line for the person to stderr, above the live line where there is one. */
export function tell(text: string): void {
  const line = live;
  showLive("");
  // The one word that says what kind of line it is may be coloured; all else is as it came, cleaned.
  const plain = clean(text)
    .replace(/^error:/, colors.red("error:"))
    .replace(/^warning:/, colors.yellow("warning:"));
  process.stderr.write(`${plain}\n`);
  showLive(line);
}

let live = "";

/** True where a line can be written again and again in its place. */
export const hasLiveLine = (): boolean => process.stderr.isTTY === true && process.env.TERM !== "dumb";

/** Replaces the live line at the bottom of the terminal; an empty text takes it away. */
export function showLive(text: string): void {
  if (!hasLiveLine() || (text === "" && live === "")) return;
  const width = Math.max(20, (process.stderr.columns || 80) - 1);
  live = clean(text).replaceAll("\n", " ").slice(0, width);
  process.stderr.write(`\r\u001b[2K${live}`);
}

/** What happens when whoever reads our output has gone. */
let leave: () => void = () => process.exit(0);

/** Ends the process quietly when whoever reads our output has gone: `sas-petl … | head`. */
export function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (!readerIsGone.has(error.code ?? "")) throw error;
      leave();
    });
  }
}

const readerIsGone: ReadonlySet<string> = new Set(["EPIPE", "EOF", "ECONNRESET", "ERR_STREAM_DESTROYED"]);

/** Why a signal was aborted: the person or the system asked the process to stop. */
export class Interruption extends Error {
  override readonly name = "Interruption";
}

/**
 * A signal that is aborted by Ctrl-C or a request to terminate; a second one ends the process at once.
 * @param options with `endsWithReader` it is also aborted, without a word, when whoever reads our output has gone
 */
export function interruptSignal(notice: string, { endsWithReader = false } = {}): AbortSignal {
  const controller = new AbortController();
  if (endsWithReader) leave = () => controller.abort(new Interruption("nobody reads the output"));
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130);
      tell(notice);
      controller.abort(new Interruption("interrupted"));
    });
  }
  return controller.signal;
}
