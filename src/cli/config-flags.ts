import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import { ConfigError } from "../errors.js";
import { codeOf } from "../platform/files.js";
import { configJsonSchema, type TrainConfigInput } from "../train/config.js";
import { methodOptionsOf, parseNumber, parseWords } from "./flags.js";

/** One key of the configuration as JSON Schema describes it. */
interface Property {
  readonly type?: string;
  readonly anyOf?: readonly Property[];
  readonly enum?: readonly string[];
  readonly description?: string;
  readonly default?: unknown;
}

const keys: readonly (readonly [string, Property])[] = Object.entries(
  (configJsonSchema() as { readonly properties: Readonly<Record<string, Property>> }).properties,
).filter(([key]) => key !== "$schema" && key !== "options");

// What stands for null on the command line: commander makes an empty text of a null.
const none = "none";

const canBeNull = ({ anyOf = [] }: Property): boolean => anyOf.some(({ type }) => type === "null");

/** The flag of a key: `batchSize` is `--batch-size`. */
const flagOf = (key: string): string => `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/**
 * Adds one flag for every key of the configuration.
 * @param except keys that the command has another flag for
 */
export function addConfigFlags(command: Command, except: readonly string[] = []): void {
  for (const [key, property] of keys.filter(([name]) => !except.includes(name))) {
    const name = flagOf(key);
    const kind = property.type ?? property.anyOf?.map(({ type }) => type).find((type) => type !== "null");
    const preset = property.default === undefined ? "" : ` (default: ${JSON.stringify(property.default)})`;
    const text = `${property.description ?? ""}${preset}`;
    if (kind === "boolean") {
      command.option(name, text);
      continue;
    }
    const isNumber = kind === "number" || kind === "integer";
    const option = new Option(`${name} <${isNumber ? "number" : kind === "array" ? "numbers" : "text"}>`, text);
    if (property.enum) option.choices(property.enum);
    else if (isNumber)
      option.argParser(canBeNull(property) ? (value) => (value === none ? none : parseNumber(value)) : parseNumber);
    else if (property.anyOf)
      option.argParser((value) => (/^[-+.\d]/.test(value) ? parseWords(value).map(parseNumber) : value));
    else if (kind === "array") option.argParser((value) => parseWords(value).map(parseNumber));
    command.addOption(option);
  }
}

/** A configuration with what to call things in messages about it. */
export interface ReadConfig {
  readonly config: TrainConfigInput;
  /** The file, or the command line. */
  readonly source: string;
  /** A key of the file by its own name, any other by its flag. */
  readonly nameOf: (key: string) => string;
}

/**
 * The configuration of a file, with the flags that were given in place of its keys.
 * @param except keys, `options` among them, whose flags mean something else to the command
 * @throws ConfigError where the file is missing or no JSON object, or where options meant for another method come together
 */
export async function readConfig(
  command: Command,
  file: string | undefined,
  except: readonly string[] = [],
): Promise<ReadConfig> {
  const stored = file === undefined ? {} : readObject(file);
  const given = keys
    .map(([key]) => key)
    .filter((key) => !except.includes(key) && command.getOptionValueSource(key) === "cli");
  const flagValue = (key: string): unknown => {
    const value: unknown = command.getOptionValue(key);
    return value === none && keys.some(([name, property]) => name === key && canBeNull(property)) ? null : value;
  };
  const flags = Object.fromEntries(given.map((key) => [key, flagValue(key)]));
  const fromFile = stored.options ?? {};
  if (typeof fromFile !== "object" || Array.isArray(fromFile)) {
    throw new ConfigError(
      `${file}: options: expected an object of the method's options, got ${JSON.stringify(fromFile)}.`,
    );
  }
  const fromFlags = except.includes("options") ? {} : methodOptionsOf(command);
  const method = String(flags.method ?? stored.method ?? "sas");
  if (file !== undefined) {
    const { refuseForeignOptions } = await import("./foreign-options.js");
    refuseForeignOptions(
      method,
      { file, method: String(stored.method ?? "sas"), options: Object.keys(fromFile) },
      fromFlags,
    );
  }
  const options = { ...fromFile, ...fromFlags };
  const nameOf = (key: string): string => (key in stored && !given.includes(key) ? key : flagOf(key));
  const config = { ...stored, ...flags, ...(Object.keys(options).length > 0 && { options }) } as TrainConfigInput;
  return { config, source: file ?? "command line", nameOf };
}

/** Keys whose names may as well be those of folders. */
const places: ReadonlySet<string> = new Set(["backbone", "data", "out"]);

/** The message with the flag in place of the key that it begins with, `imageSize: …`. */
export const withFlag = (message: string, nameOf: (key: string) => string): string =>
  message.replace(/^\w+(?=: )/, (word) =>
    keys.some(([key]) => key === word && !places.has(key)) ? nameOf(word) : word,
  );

function readObject(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new ConfigError(`${file}: the configuration cannot be read (${codeOf(error)}). Check the path.`);
  }
  try {
    const value: unknown = JSON.parse(text.replace(/^\ufeff/, ""));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (error) {
    throw new ConfigError(`${file}: no valid JSON: ${(error as Error).message}. Mend the file.`);
  }
  throw new ConfigError(`${file}: expected a JSON object with the keys of a configuration.`);
}
