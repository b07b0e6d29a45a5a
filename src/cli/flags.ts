import { type Command, InvalidArgumentError, Option } from "commander";
import type { Split } from "../data/dataset.js";

/** The value of a flag that takes a number. */
export function parseNumber(text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw new InvalidArgumentError("Expected a number.");
  return value;
}

/** The value of a flag that takes a whole number of at least 1. */
export function parseCount(text: string): number {
  const value = parseNumber(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError("Expected a whole number of at least 1.");
  return value;
}

/** The value of a flag that takes words divided by commas. */
export const parseWords = (text: string): string[] =>
  text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");

/** Flags for the options of methods; which of them a method has is its own affair. */
const methodFlags: readonly Option[] = [
  new Option("--form <form>", "sas: what is generated per block: affine, low-rank or core"),
  new Option("--rank <rank>", "rank of what is low-rank (sas: of the shared pair)").argParser(parseNumber),
  new Option("--embedding <size>", "sas: size of a block's embedding").argParser(parseNumber),
  new Option("--hidden <width>", "sas: hidden width of the hyper-network; 0 for none").argParser(parseNumber),
  new Option("--sites <sites>", "sas, adapter: where it attaches: attn,mlp; ssf: also embed,norm").argParser(
    parseWords,
  ),
  new Option(
    "--alpha <scale>",
    "sas, lora: the change is scaled by alpha / rank; what sas generates, by alpha over the generator's inputs",
  ).argParser(parseNumber),
  new Option("--scale <scale>", "fact-tt, fact-tk, adaptformer, rep-adapter, convpass: scale of the change").argParser(
    parseNumber,
  ),
  new Option("--prompts <count>", "vpt-shallow, vpt-deep: trained tokens").argParser(parseNumber),
  new Option("--targets <maps>", "lora, vera: maps that change: qkv,q,k,v,proj,fc1,fc2").argParser(parseWords),
  new Option("--no-shared", "sas: without the shared module"),
  new Option("--no-specific", "sas: without the layer-specific module"),
];

/** Adds the flags for the options of methods. */
export function addMethodFlags(command: Command): void {
  for (const flag of methodFlags) command.addOption(flag);
}

/** The options of the method that were given as flags. */
export function methodOptionsOf(command: Command): Record<string, string | number | boolean | string[]> {
  const given = methodFlags
    .map((flag) => flag.attributeName())
    .filter((name) => command.getOptionValueSource(name) === "cli");
  return Object.fromEntries(given.map((name) => [name, command.getOptionValue(name)]));
}

/** The flag that names a split. */
export const splitFlag = (): Option =>
  new Option("--split <split>", "which images")
    .choices(["train", "val", "test"] satisfies Split[])
    .default("test" satisfies Split);

/** Adds the flags that say which state of a model of the hub is meant, and where it is looked for. */
export const addHubFlags = (command: Command): Command =>
  command
    .option("--revision <name>", "branch, tag or commit of a backbone from the hub; default: main")
    .addOption(offlineFlag());

/** The flag that keeps a command away from the network. */
export const offlineFlag = (): Option =>
  new Option("--offline", "take backbones of the hub from the cache only, without the network");

/** Adds the flags that say where and with how many threads to compute. */
export const addMachineFlags = (command: Command): Command =>
  command
    .addOption(new Option("--device <device>", "where to compute").choices(["cpu"]).default("cpu"))
    .option("--threads <count>", "threads that compute; default: one per core", parseCount);
