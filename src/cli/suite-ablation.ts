import type { Command } from "commander";
import { tell } from "../platform/terminal.js";
import { questionNames } from "../suite/ablation.js";
import { ablationParts } from "../suite/ablation-parts.js";
import { parseCount, parseWords } from "./flags.js";
import { addSuiteFlags, materialOf, readSuite, type SuiteFlags } from "./suite-flags.js";
import { performSuite } from "./suite-report.js";

const examples = `
Examples:
  $ sas-petl suite ablation --data data/vtab-1k/eurosat,drawn:count --backbone vit_tiny --image-size 96 --epochs 10 \\
      --lr-grid 5e-3,1e-2,2e-2 --out suites/ablation
  $ sas-petl suite ablation --data flowers --backbone vit_tiny --questions form,sites --budget 9408 --out suites/forms`;

interface Flags extends Omit<SuiteFlags, "methods"> {
  readonly data: readonly string[];
  readonly questions: readonly string[];
  readonly budget?: number;
}

/** Adds the flags and the action of `suite ablation`. */
export function configure(command: Command): void {
  addSuiteFlags(command, undefined)
    .requiredOption("--data <list>", "data sets: folders of any layout, or drawn:count", parseWords)
    .option("--questions <list>", "what is asked", parseWords, [...questionNames])
    .option("--budget <count>", "parameters at which variants are compared; default: those of SaS", parseCount)
    .addHelpText("after", examples)
    .action(async (flags: Flags) => {
      const { findTasks } = await import("../platform/suite-tasks.js");
      const { openQuestions } = await import("../platform/suite-ablation.js");
      const { locateConfig } = await import("../platform/suite.js");
      const tasks = await findTasks([], flags.data);
      const read = await readSuite(command, { ...flags, methods: "sas" }, "ablation", {});
      const config = await locateConfig(read.config, {
        offline: flags.offline === true,
        onWarning: (text) => tell(`warning: ${text}`),
      });
      const questions = await openQuestions(config, tasks[0]?.data ?? "", flags.questions, flags.budget);
      const all = questions.flatMap(({ methods }) => methods);
      const methods = all.filter(({ label }, i) => all.findIndex((method) => method.label === label) === i);
      await performSuite({ ...read, config, methods, tasks }, flags, (outcome) =>
        ablationParts(materialOf(outcome), outcome.searched, questions),
      );
    });
}
