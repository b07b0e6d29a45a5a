import type { Command } from "commander";

/** The suites: a line for the overview, and a file each. */
const suites = {
  "vtab-1k": ["methods on the tasks of VTAB-1k, beside published figures", () => import("./suite-vtab-1k.js")],
  "few-shot": ["accuracy over the number of training images per class", () => import("./suite-few-shot.js")],
  "domain-generalization": ["train on one domain, test on others", () => import("./suite-domain-generalization.js")],
  ablation: ["variants of SaS, question by question", () => import("./suite-ablation.js")],
  run: ["methods on any data sets", () => import("./suite-run.js")],
} as const;

const examples = `
Examples:
  $ sas-petl suite vtab-1k --data data/vtab-1k --backbone vit_tiny --methods linear,sas,lora:rank=4 \\
      --seeds 0,1,2 --lr-grid 1e-3,5e-3,2e-2 --epochs 10 --image-size 96 --out suites/vtab-1k

Every trial is named by what decides its result. The same command again skips what is finished and goes on with what was
interrupted; add methods, tasks or seeds freely.`;

/** Adds the suites as commands of their own. */
export async function configure(command: Command): Promise<void> {
  // Or --json behind a suite's name would be taken for this command's own.
  command.enablePositionalOptions().addHelpText("after", examples);
  for (const [name, [summary, load]] of Object.entries(suites)) {
    const own = command
      .command(name)
      .description(summary)
      .option("--json", "one JSON object per line on stdout, and nothing else there")
      .option("--debug", "show where an error comes from");
    (await load()).configure(own);
  }
}
