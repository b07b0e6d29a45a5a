import { FormatError } from "../errors.js";
import { checkPath } from "./file-tree.js";

/** Paths and labels of a list, line by line. */
export interface ListedImages {
  readonly paths: readonly string[];
  readonly labels: Int32Array;
  /** Line number of each image, from 1. */
  readonly lines: readonly number[];
}

/**
 * The images of a list in the form of VTAB-1k on disk: one `images/train/000000.jpg 2` per line; empty lines are skipped.
 * @param name the list's name, for messages
 * @throws FormatError naming the line that is malformed or leads out of the data folder
 */
export function parseList(text: string, name: string): ListedImages {
  const paths: string[] = [];
  const labels: number[] = [];
  const lines: number[] = [];
  text.split(/\r?\n/).forEach((line, i) => {
    if (line.trim() === "") return;
    const [, path, label] = /^(\S.*?)\s+(\d{1,9})\s*$/.exec(line) ?? [];
    if (path === undefined) {
      const shown = JSON.stringify(line.slice(0, 80));
      throw new FormatError(
        `${name}, line ${i + 1}: expected "PATH LABEL" as in "images/train/000000.jpg 2", got ${shown}.`,
      );
    }
    paths.push(checkPath(path, `${name}, line ${i + 1}`));
    labels.push(Number(label));
    lines.push(i + 1);
  });
  if (paths.length === 0) throw new FormatError(`${name}: the list is empty; expected at least one line "PATH LABEL".`);
  return { paths, labels: Int32Array.from(labels), lines };
}
