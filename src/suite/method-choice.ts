import { ConfigError } from "../errors.js";
import { type MethodName, methodOf } from "../methods/index.js";

/** Options of a method as they are written in a configuration. */
export type Options = Readonly<Record<string, string | number | boolean | string[]>>;

/** One way to set a method: its options, and a learning rate where it has one of its own. */
export interface Setting {
  readonly options: Options;
  readonly lr?: number;
  /** In the place of `lr` in a cell whose method trains nothing but the head. */
  readonly headLr?: number;
}

/** A method as a suite compares it; of several settings the one that is best on validation images is taken. */
export interface MethodChoice {
  /** What was written: a row's name. */
  readonly label: string;
  readonly method: MethodName;
  readonly settings: readonly Setting[];
}

/**
 * The methods of a list: `sas:rank=2,embedding=2,lora:rank=4,alpha=4/8/16,linear`. Behind a colon stand options; `/`
 * divides values among which validation images decide, `+` the members of a list, and `lr` is the method's own learning
 * rates in place of the suite's, the head's where nothing else is trained.
 * @throws ConfigError where a method is not known, named twice, or an option is malformed
 */
export function parseMethods(text: string): readonly MethodChoice[] {
  const words: string[] = [];
  for (const word of text.split(",").map((part) => part.trim())) {
    // A word that is an option alone belongs to the method before it.
    if (word.includes("=") && !word.includes(":") && words.length > 0) words.push(`${words.pop()},${word}`);
    else if (word !== "") words.push(word);
  }
  if (words.length === 0) throw new ConfigError("methods: expected at least one, as in linear,lora:rank=4,sas.");
  const twice = words.find((word, i) => words.indexOf(word) < i);
  if (twice !== undefined) throw new ConfigError(`methods: ${twice} is named twice. Name it once.`);
  return words.map(parseMethod);
}

function parseMethod(label: string): MethodChoice {
  const [name = "", ...rest] = label.split(":");
  const method = methodOf(name).name as MethodName;
  let settings: readonly Setting[] = [{ options: {} }];
  const seen = new Set<string>();
  for (const word of rest.join(":").split(",")) {
    if (word === "") continue;
    const [, key, values] = /^([a-zA-Z]+)=(.+)$/.exec(word) ?? [];
    if (key === undefined || values === undefined) {
      throw new ConfigError(`methods: ${label}: expected options as in rank=4, got ${JSON.stringify(word)}.`);
    }
    if (seen.has(key)) throw new ConfigError(`methods: ${label}: ${key} is given twice. Alternatives stand as in 4/8.`);
    seen.add(key);
    const choices = values.split("/").map((value) => parseValue(method, key, value));
    const names = choices.map((value) => JSON.stringify(value));
    if (new Set(names).size < names.length) {
      throw new ConfigError(`methods: ${label}: ${key}: expected each alternative once, got ${values}.`);
    }
    settings = settings.flatMap((setting) => choices.map((value) => withValue(label, setting, key, value)));
  }
  return { label, method, settings };
}

function withValue(label: string, setting: Setting, key: string, value: Options[string]): Setting {
  if (key !== "lr") return { ...setting, options: { ...setting.options, [key]: value } };
  if (typeof value === "number" && value > 0) return { ...setting, lr: value };
  throw new ConfigError(`methods: ${label}: expected lr to be a positive number, got ${value}.`);
}

/** Options that are lists are written with `+`; one member alone is still a list. */
const lists: ReadonlySet<string> = new Set(["targets", "sites"]);

function parseValue(method: MethodName, key: string, text: string): Options[string] {
  if (lists.has(key)) return text.split("+");
  if (text === "true" || text === "false") return text === "true";
  const number = Number(text);
  if (text.trim() !== "" && Number.isFinite(number)) return number;
  if (/^[a-z][a-z-]*$/.test(text)) return text;
  throw new ConfigError(`methods: ${method}: ${key}: the value ${JSON.stringify(text)} is not understood.`);
}
