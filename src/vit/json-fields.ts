import { FormatError } from "../errors.js";

/** A value as it must be, or undefined. */
export type Check<T> = (value: unknown) => T | undefined;

/** An object of a JSON file. */
export type Fields = Readonly<Record<string, unknown>>;

/** What reads the fields of one JSON file. */
export interface JsonFields {
  /** The object the file holds. */
  readonly top: Fields;
  /** A field, checked; undefined where it is missing or null. @throws FormatError where it is of the wrong kind */
  field<T>(from: Fields, key: string, check: Check<T>, expected: string): T | undefined;
}

/**
 * A JSON file's object, and how its fields are read.
 * @param file what to call it in messages
 * @throws FormatError where it is no JSON object
 */
export function readJson(text: string, file: string): JsonFields {
  const fail = (what: string): never => {
    throw new FormatError(`${file}: ${what}. Mend the entry or fetch the file again.`);
  };
  const parse = (): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      return fail("no valid JSON");
    }
  };
  return {
    top: object(parse()) ?? fail("expected a JSON object"),
    field(from, key, check, expected) {
      const value = from[key];
      if (value === undefined || value === null) return undefined;
      return check(value) ?? fail(`${key}: expected ${expected}, got ${JSON.stringify(value).slice(0, 80)}`);
    },
  };
}

export const object: Check<Fields> = (v) =>
  typeof v === "object" && v !== null && !Array.isArray(v) ? (v as Fields) : undefined;
export const string: Check<string> = (v) => (typeof v === "string" ? v : undefined);
export const boolean: Check<boolean> = (v) => (typeof v === "boolean" ? v : undefined);
const isPositive = (v: unknown): v is number => typeof v === "number" && Number.isFinite(v) && v > 0;
export const positive: Check<number> = (v) => (isPositive(v) ? v : undefined);
export const fraction = (v: unknown): v is number => isPositive(v) && v <= 1;
// No network of this kind has a size beyond this; a larger one must not reach an allocation.
const isSize = (v: unknown): v is number => Number.isInteger(v) && (v as number) > 0 && (v as number) <= 2 ** 20;
export const count: Check<number> = (v) => (isSize(v) ? v : undefined);
export const classCount: Check<number> = (v) => (v === 0 ? 0 : count(v));
export const countsOf =
  (length: number): Check<readonly number[]> =>
  (v) =>
    Array.isArray(v) && v.length === length && v.every(isSize) ? v : undefined;
export const size: Check<readonly [number, number]> = (v) =>
  isSize(v) ? [v, v] : (countsOf(2)(v) as readonly [number, number] | undefined);
export const numbers: Check<readonly number[]> = (v) =>
  Array.isArray(v) && v.length === 3 && v.every(Number.isFinite) ? v : undefined;
export const names: Check<readonly string[]> = (v) =>
  Array.isArray(v) && v.every((name) => typeof name === "string") ? v : undefined;
export const numberedNames: Check<readonly string[]> = (v) => {
  const labels = object(v) ?? {};
  return names(Array.from({ length: Object.keys(labels).length }, (_, i) => labels[i]));
};
export const oneOf =
  <const T extends string>(known: readonly T[]): Check<T> =>
  (v) =>
    known.find((name) => name === v);
