import type { Command } from "commander";
import { groupOf } from "../suite/vtab-1k.js";
import { parseWords } from "./flags.js";
import { addSuiteFlags, readSuite, type SuiteFlags } from "./suite-flags.js";
import { performSuite } from "./suite-report.js";

/**
 * The recipe of NOAH and FacT, as far as `train` has it: AdamW, a tenth of the epochs to warm up, cosine; no drop path and
 * no dropout inside the methods.
 */
const recipe = {
  epochs: 100,
  batchSize: 64,
  lr: 1e-3,
  headLr: 1e-3,
  weightDecay: 1e-4,
  minLr: 1e-5,
  clip: null,
} as const;

interface Flags extends SuiteFlags {
  readonly data: readonly string[];
  readonly tasks?: readonly string[];
}

/** Adds the flags and the action of `suite vtab-1k`. */
export function configure(command: Command): void {
  addSuiteFlags(command, "linear,sas")
    .requiredOption("--data <roots>", "folders in which the tasks' folders lie", parseWords)
    .option(
      "--tasks <list>",
      "tasks to run: of VTAB-1k, other folders there, drawn:count; default: all of VTAB-1k that are there",
      parseWords,
    )
    .action(async (flags: Flags) => {
      const { findTasks } = await import("../platform/suite-tasks.js");
      const tasks = await findTasks(flags.data, flags.tasks);
      const options = { ...readSuite(command, flags, "vtab-1k", recipe), tasks };
      await performSuite(options, flags, { groupOf });
    });
}
