import type { Command } from "commander";
import { comparisonParts } from "../suite/parts.js";
import { parseWords } from "./flags.js";
import { addSuiteFlags, materialOf, readSuite, type SuiteFlags } from "./suite-flags.js";
import { performSuite } from "./suite-report.js";

const examples = `
Examples:
  $ sas-petl suite run --data data/vtab-1k/eurosat,data/signs,drawn:count --backbone vit_tiny --image-size 96 --epochs 10 \\
      --methods linear,sas,lora:rank=1 --seeds 0,1,2 --lr-grid 1e-3,5e-3,2e-2 --out suites/mine`;

/** Adds the flags and the action of `suite run`. */
export function configure(command: Command): void {
  addSuiteFlags(command, "linear,sas")
    .requiredOption("--data <list>", "data sets: folders of any layout, or drawn:count", parseWords)
    .addHelpText("after", examples)
    .action(async (flags: SuiteFlags & { readonly data: readonly string[] }) => {
      const { findTasks } = await import("../platform/suite-tasks.js");
      const tasks = await findTasks([], flags.data);
      const options = { ...(await readSuite(command, flags, "run", {})), tasks };
      await performSuite(options, flags, (outcome) => comparisonParts(materialOf(outcome), outcome.searched));
    });
}
