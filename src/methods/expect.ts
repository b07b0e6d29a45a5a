import { ConfigError } from "../errors.js";

/** Ends where an option is not what it must be. @throws ConfigError that names method, option and value */
export function expect(method: string, option: string, value: unknown, isFine: boolean, expected: string): void {
  if (isFine) return;
  const got = typeof value === "number" ? String(value) : JSON.stringify(value);
  throw new ConfigError(`${method}: ${option} must be ${expected}, got ${got}`);
}

/** Ends where a size is not a whole number in a range. @throws ConfigError */
export const expectWhole = (method: string, option: string, value: number, lowest: number, highest: number): void =>
  expect(
    method,
    option,
    value,
    Number.isInteger(value) && value >= lowest && value <= highest,
    `a whole number from ${lowest} to ${highest}`,
  );

/** Ends where a scale is zero or not finite. @throws ConfigError */
export const expectScale = (method: string, option: string, value: number): void =>
  expect(method, option, value, Number.isFinite(value) && value !== 0, "a number other than 0");

/** Ends where a list is empty, has a name twice or one that is not known. @throws ConfigError */
export function expectNames(method: string, option: string, value: unknown, known: readonly string[]): void {
  const names: readonly unknown[] = Array.isArray(value) ? value : [];
  const isFine =
    names.length > 0 && new Set(names).size === names.length && names.every((n) => known.includes(n as string));
  expect(method, option, value, isFine, `some of ${known.join(", ")}, each once`);
}
