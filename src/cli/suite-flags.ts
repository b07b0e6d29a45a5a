import type { Command } from "commander";
import { ConfigError } from "../errors.js";
import type { SuiteOutcome } from "../platform/suite.js";
import type { SuiteConfig, SuiteOptions } from "../platform/suite-options.js";
import type { Comparison } from "../suite/cell.js";
import { parseMethods } from "../suite/method-choice.js";
import type { Material } from "../suite/parts.js";
import { forMethod } from "../train/config.js";
import { addConfigFlags, readConfig } from "./config-flags.js";
import { offlineFlag, parseNumber, parseWords } from "./flags.js";

/** Flags that every suite has. */
export interface SuiteFlags {
  readonly methods: string;
  readonly seeds: readonly number[];
  readonly lrGrid?: readonly number[];
  readonly final?: boolean;
  readonly config?: string;
  readonly out: string;
  readonly dryRun?: boolean;
  readonly offline?: boolean;
  readonly json?: boolean;
}

/** Keys of a configuration of which a suite has several values. */
const severalKeys = ["data", "method", "options", "seed"] as const;

const parseNumbers = (text: string): number[] => parseWords(text).map(parseNumber);

/**
 * Adds what every suite has: the flags of `train`, and those for what is compared.
 * @param methods compared by default; undefined for a suite that says itself which
 * @param except keys of the configuration that the suite has another flag for
 */
export function addSuiteFlags(command: Command, methods: string | undefined, except: readonly string[] = []): Command {
  if (methods !== undefined) {
    command.option(
      "--methods <list>",
      "methods to compare; options behind a colon, sas:rank=2,embedding=2; alternatives to choose among by /, lora:alpha=4/8",
      methods,
    );
  }
  command
    .option("--seeds <list>", "seeds of every method on every task", parseNumbers, [0, 1, 2])
    .option(
      "--lr-grid <list>",
      "learning rates among which validation images decide, the same for all methods; of the head where it is trained alone",
      parseNumbers,
    )
    .option("--dry-run", "show what would run, with estimates, and stop")
    .addOption(offlineFlag())
    .option("--config <file>", "JSON file with settings of all trials, named as in configs/train.schema.json");
  addConfigFlags(command, [...severalKeys, ...except]);
  return command;
}

/**
 * What the common flags say.
 * @param recipe settings that flags and file stand above
 * @param except keys of the configuration that the suite has another flag for
 */
export async function readSuite(
  command: Command,
  flags: SuiteFlags,
  suite: string,
  recipe: Partial<SuiteConfig>,
  except: readonly string[] = [],
): Promise<Pick<SuiteOptions, "suite" | "out" | "config" | "final"> & Omit<Comparison, "tasks">> {
  const { config, nameOf } = await readConfig(command, flags.config, [...severalKeys, ...except]);
  const { out, final, ...given } = config as SuiteConfig & Record<string, unknown>;
  const several = [...severalKeys, ...except].find((key) => given[key] !== undefined);
  if (several !== undefined) {
    throw new ConfigError(`${flags.config}: ${several}: a suite has several; use its own flags instead.`);
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
  const { lrGrid } = flags;
  if (lrGrid && (lrGrid.length === 0 || new Set(lrGrid).size < lrGrid.length || lrGrid.some((rate) => rate <= 0))) {
    throw new ConfigError(`${suite}: --lr-grid: expected rates above 0, each once, got ${lrGrid.join(",") || "none"}.`);
  }
  if (lrGrid && given.lr !== undefined) {
    throw new ConfigError(`${suite}: ${nameOf("lr")} has no effect beside --lr-grid. Leave one of them out.`);
  }
  const shared = { ...recipe, ...(given as SuiteConfig) };
  const methods = parseMethods(flags.methods);
  const rate = lrGrid ? "--lr-grid" : given.lr === undefined ? undefined : nameOf("lr");
  if (rate !== undefined && methods.every(({ settings }) => settings.every(({ lr }) => lr !== undefined))) {
    throw new ConfigError(
      `${suite}: ${rate} has no effect beside methods that all bring an lr of their own. Leave it out.`,
    );
  }
  const kept = methods.map(({ method }) => Object.keys(forMethod({ ...shared, data: "-", method })));
  const idle = Object.keys(given).find((key) => kept.every((keys) => !keys.includes(key)));
  if (idle !== undefined) {
    throw new ConfigError(`${suite}: ${nameOf(idle)} has no effect with ${flags.methods}. Leave it out.`);
  }
  return { suite, out, config: shared, final: final === true, methods, seeds, rates: lrGrid ?? [] };
}

/** What the parts of a report are made of. */
export const materialOf = (
  { plan, lines }: SuiteOutcome,
  groupOf: (task: string) => string = () => "tasks",
): Material => ({
  lines,
  tasks: plan.options.tasks.map(({ name }) => name),
  methods: plan.options.methods.map(({ label }) => label),
  groupOf,
});
