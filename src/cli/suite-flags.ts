import type { Command } from "commander";
import { ConfigError } from "../errors.js";
import type { SuiteConfig, SuiteOptions } from "../platform/suite-plan.js";
import type { Comparison } from "../suite/cell.js";
import { parseMethods } from "../suite/method-choice.js";
import { addConfigFlags, readConfig } from "./config-flags.js";
import { parseNumber, parseWords } from "./flags.js";

/** Flags that every suite has. */
export interface SuiteFlags {
  readonly methods: string;
  readonly seeds: readonly number[];
  readonly lrGrid?: readonly number[];
  readonly final?: boolean;
  readonly config?: string;
  readonly out: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

const parseNumbers = (text: string): number[] => parseWords(text).map(parseNumber);

/** Adds what every suite has: the flags of `train`, and those for what is compared. */
export function addSuiteFlags(command: Command, methods: string): Command {
  command
    .option(
      "--methods <list>",
      "methods to compare; options behind a colon, sas:rank=2,embedding=2; alternatives to choose among by /, lora:alpha=4/8",
      methods,
    )
    .option("--seeds <list>", "seeds of every method on every task", parseNumbers, [0, 1, 2])
    .option(
      "--lr-grid <list>",
      "learning rates among which validation images decide, the same for all methods",
      parseNumbers,
    )
    .option("--dry-run", "show what would run, with estimates, and stop")
    .option("--config <file>", "JSON file with settings of all trials, named as in configs/train.schema.json");
  addConfigFlags(command, ["data", "method", "options", "seed"]);
  return command;
}

/** What the common flags say. @param recipe settings that flags and file stand above */
export function readSuite(
  command: Command,
  flags: SuiteFlags,
  suite: string,
  recipe: Partial<SuiteConfig>,
): Pick<SuiteOptions, "suite" | "out" | "config" | "final"> & Omit<Comparison, "tasks"> {
  // `data` is the suite's own flag here, and means several.
  const {
    out,
    final,
    data: _,
    method,
    options,
    seed,
    ...given
  } = readConfig(command, flags.config) as SuiteConfig & Record<string, unknown>;
  for (const [key, value] of Object.entries({ method, options, seed })) {
    if (value !== undefined) {
      throw new ConfigError(`${flags.config ?? suite}: ${key}: a suite has several; use its own flags instead.`);
    }
  }
  if (typeof out !== "string") throw new ConfigError(`${suite}: say with --out where its results go.`);
  if (typeof given.backbone !== "string")
    throw new ConfigError(`${suite}: give the pretrained network with --backbone.`);
  const seeds = flags.seeds;
  if (seeds.length === 0 || new Set(seeds).size < seeds.length) {
    throw new ConfigError(
      `${suite}: --seeds: expected at least one seed and each once, got ${seeds.join(",") || "none"}.`,
    );
  }
  return {
    suite,
    out,
    config: { ...recipe, ...given },
    final: final === true,
    methods: parseMethods(flags.methods),
    seeds,
    rates: flags.lrGrid ?? [],
  };
}
