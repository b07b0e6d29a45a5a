import type { Command } from "commander";
import { ConfigError } from "../errors.js";
import { domainParts } from "../suite/domain-parts.js";
import { parseWords } from "./flags.js";
import { addSuiteFlags, materialOf, readSuite, type SuiteFlags } from "./suite-flags.js";
import { performSuite } from "./suite-report.js";

const examples = `
Examples:
  $ sas-petl suite domain-generalization --source pacs/photo --targets pacs/art_painting,pacs/cartoon,pacs/sketch \\
      --backbone vit_tiny --methods linear,sas,lora --out suites/pacs
  $ sas-petl suite domain-generalization --source imagenet --shots 16 --targets imagenetv2,sketch,imagenet-a,imagenet-r \\
      --backbone vit_base --out suites/imagenet

A target's folders are named as the source's classes, all or some of them, or by their numbers as ImageNet-V2's. With some
of the classes a target has two figures: among its own classes (the mask), and among all.`;

interface Flags extends SuiteFlags {
  readonly source: string;
  readonly targets: readonly string[];
}

/** Adds the flags and the action of `suite domain-generalization`. */
export function configure(command: Command): void {
  addSuiteFlags(command, "linear,sas")
    .requiredOption("--source <folder>", "data set that is trained on")
    .requiredOption("--targets <list>", "data sets that are only scored", parseWords)
    .addHelpText("after", examples)
    .action(async (flags: Flags) => {
      const { findTasks } = await import("../platform/suite-tasks.js");
      const { openTargets } = await import("../platform/suite-targets.js");
      const [task] = await findTasks([], [flags.source]);
      if (!task) throw new ConfigError("domain-generalization: give one source.");
      const { config, ...read } = await readSuite(command, flags, "domain-generalization", {});
      const { shots, ...rest } = config;
      const tasks = [{ ...task, ...(shots !== undefined && { shots }) }];
      const targets = await openTargets(flags.source, flags.targets);
      await performSuite({ ...read, config: rest, tasks, targets }, flags, (outcome) =>
        domainParts(
          materialOf(outcome),
          outcome.searched,
          task.name,
          targets.map(({ name }) => name),
        ),
      );
    });
}
