/**
 * The project's four kinds of error. A message is a small letter to a tired person: where, what was
 * expected, what came, what to try. `code` is stable and may be matched by programs.
 */
abstract class SasError extends Error {
  abstract readonly code: string;
}

/** Two shapes that must agree do not: the fault of whoever built the graph or passed the tensor. */
export class ShapeError extends SasError {
  override readonly name = "ShapeError";
  readonly code = "ERR_SAS_SHAPE";
}

/** A file or a message is not what its format demands: a checkpoint, an image, a list, an adapter. */
export class FormatError extends SasError {
  override readonly name = "FormatError";
  readonly code = "ERR_SAS_FORMAT";
}

/** What was asked for makes no sense: an option, a configuration, a folder that is missing. */
export class ConfigError extends SasError {
  override readonly name = "ConfigError";
  readonly code = "ERR_SAS_CONFIG";
}

/** The machine cannot do it: no runtime for the device, no memory, no space on the disk. */
export class RuntimeUnavailableError extends SasError {
  override readonly name = "RuntimeUnavailableError";
  readonly code = "ERR_SAS_RUNTIME";
}
/** The word of a list that is nearest to a mistyped one, or undefined where none is near. */
function closest(word: string, words: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.ceil(word.length / 3) + 1;
  for (const candidate of words) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

/** The end of an error about an unknown word: what was probably meant, or all that could be. */
export function suggest(word: string, words: readonly string[]): string {
  const near = closest(word, words);
  return near === undefined ? `Known: ${words.join(", ")}.` : `Did you mean ${near}?`;
}

/** Fewest insertions, deletions and replacements of one character that turn `a` into `b` (Levenshtein 1966). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
