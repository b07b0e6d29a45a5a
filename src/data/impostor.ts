/** What a file is that lies in the place of another one, and what to do about it. */
export interface Impostor {
  /** Ends the sentence "this is …". */
  readonly what: string;
  /** A sentence, where that alone tells what to do. */
  readonly remedy?: string;
}

/**
 * What the first bytes of a file say it is, where a download or a clone left something else than the file that was meant: a
 * pointer, a page, a server's answer. `undefined` where they are not text.
 */
export function explainImpostor(bytes: Uint8Array): Impostor | undefined {
  const start = new TextDecoder().decode(bytes.subarray(0, 200)).trimStart();
  if (start.startsWith("version https://git-lfs")) {
    return { what: "a Git LFS pointer, not the file itself", remedy: "Run git lfs pull where it was cloned." };
  }
  if (/^<(!doctype html|html|head)\b/i.test(start)) {
    return { what: "a web page", remedy: "Download the file itself, not the page about it." };
  }
  const [line = ""] = start.split(/[\r\n]/);
  // A few letters may be anything; a character that is no text, or was cut, is no line of one.
  if (line.length < 8 || /[^\t\x20-\x7e]/.test(line)) return undefined;
  return { what: `text, ${JSON.stringify(line.slice(0, 60))}` };
}
