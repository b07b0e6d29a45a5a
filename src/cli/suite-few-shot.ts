import type { Command } from "commander";
import { fewShotParts, shotTask } from "../suite/few-shot-parts.js";
import { parseCount, parseWords } from "./flags.js";
import { addSuiteFlags, materialOf, readSuite, type SuiteFlags } from "./suite-flags.js";
import { performSuite } from "./suite-report.js";

const examples = `
Examples:
  $ sas-petl suite few-shot --data textures --shots 1,2,4,8,16 --backbone vit_tiny --methods linear,sas,lora --out suites/few

Each set is a folder in any layout, whose training images are drawn with the seed, or one with the few-shot lists of CoOp
and NOAH (annotations/train_meta.list.num_shot_4.seed_0). Where there are no validation images, up to four more per class
become some.`;

interface Flags extends SuiteFlags {
  readonly data: readonly string[];
  readonly shots: readonly number[];
}

/** Adds the flags and the action of `suite few-shot`. */
export function configure(command: Command): void {
  addSuiteFlags(command, "linear,sas", ["shots"])
    .requiredOption("--data <list>", "data sets", parseWords)
    .option("--shots <list>", "training images per class", (text) => parseWords(text).map(parseCount), [1, 2, 4, 8, 16])
    .addHelpText("after", examples)
    .action(async (flags: Flags) => {
      const { findTasks } = await import("../platform/suite-tasks.js");
      const sets = await findTasks([], flags.data);
      const shots = [...new Set(flags.shots)].sort((a, b) => a - b);
      const tasks = sets.flatMap(({ name, data }) =>
        shots.map((count) => ({ name: shotTask(name, count), data, shots: count })),
      );
      const options = { ...(await readSuite(command, flags, "few-shot", {}, ["shots"])), tasks };
      await performSuite(options, flags, (outcome) => fewShotParts(materialOf(outcome), outcome.searched, tasks));
    });
}
