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

/**
 * Adds one flag for every key of the configuration: `batchSize` is `--batch-size`.
 * @param except keys that the command has another flag for
 */
export function addConfigFlags(command: Command, except: readonly string[] = []): void {
  for (const [key, property] of keys.filter(([name]) => !except.includes(name))) {
    const name = `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
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
      option.argParser(property.anyOf ? (value) => (value === none ? none : parseNumber(value)) : parseNumber);
    else if (kind === "array") option.argParser((value) => parseWords(value).map(parseNumber));
    command.addOption(option);
  }
}

/**
 * The configuration of a file, with the flags that were given in place of its keys.
 * @param except keys, `options` among them, whose flags mean something else to the command
 * @throws ConfigError where the file is missing or no JSON object
 */
export function readConfig(
  command: Command,
  file: string | undefined,
  except: readonly string[] = [],
): TrainConfigInput {
  const stored = file === undefined ? {} : readObject(file);
  const given = keys
    .map(([key]) => key)
    .filter((key) => !except.includes(key) && command.getOptionValueSource(key) === "cli");
  const flagOf = (key: string): unknown => {
    const value: unknown = command.getOptionValue(key);
    return value === none ? null : value;
  };
  const flags = Object.fromEntries(given.map((key) => [key, flagOf(key)]));
  const fromFile = stored.options ?? {};
  if (typeof fromFile !== "object" || Array.isArray(fromFile)) {
    throw new ConfigError(
      `${file}: options: expected an object of the method's options, got ${JSON.stringify(fromFile)}.`,
    );
  }
  const options = { ...fromFile, ...(except.includes("options") ? {} : methodOptionsOf(command)) };
  return { ...stored, ...flags, ...(Object.keys(options).length > 0 && { options }) } as TrainConfigInput;
}

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
