import { type Command, Option } from "commander";
import type { SuiteOutcome } from "../platform/suite.js";
import type { Part } from "../suite/part.js";
import type { Published } from "../suite/published.js";
import { groupOf } from "../suite/vtab-1k.js";
import { vtabParts } from "../suite/vtab-parts.js";
import { parseWords } from "./flags.js";
import { addSuiteFlags, materialOf, readSuite, type SuiteFlags } from "./suite-flags.js";
import { performSuite } from "./suite-report.js";

const examples = `
Examples:
  $ sas-petl suite vtab-1k --data data/vtab-1k --backbone vit_base --methods linear,lora,sas --out suites/vtab-1k
  $ sas-petl suite vtab-1k --data data/vtab-1k --tasks eurosat,dtd --backbone vit_tiny --image-size 96 --epochs 10 \\
      --methods linear,sas:rank=2,embedding=2,lora:rank=4 --lr-grid 1e-3,5e-3,2e-2 --out suites/two

Without other settings the recipe is NOAH's and FacT's: 100 epochs, batches of 64, AdamW with 1e-3 and decay 1e-4,
drop path 0.1; --final trains on train800val200 once settings are chosen on val200, as published rows do. One scale per method is searched by alternatives, as in fact-tt:scale=0.01/0.1/1/10/100.`;

/** The recipe of NOAH and FacT: AdamW, a tenth of the epochs to warm up, cosine, drop path; no dropout inside the methods. */
const recipe = {
  epochs: 100,
  batchSize: 64,
  lr: 1e-3,
  headLr: 1e-3,
  weightDecay: 1e-4,
  minLr: 1e-5,
  clip: null,
  dropPath: 0.1,
} as const;

type Shown = "matching" | "all" | "none";

interface Flags extends SuiteFlags {
  readonly data: readonly string[];
  readonly tasks?: readonly string[];
  readonly published: Shown;
}

/** Adds the flags and the action of `suite vtab-1k`. */
export function configure(command: Command): void {
  addSuiteFlags(command, "linear,sas")
    .requiredOption("--data <roots>", "folders in which the tasks' folders lie", parseWords)
    .option(
      "--tasks <list>",
      "tasks: of VTAB-1k, other folders there, drawn:count; default: all of VTAB-1k that are there",
      parseWords,
    )
    .addOption(
      new Option("--published <rows>", "published rows: of the methods compared, all, or none")
        .choices(["matching", "all", "none"] satisfies Shown[])
        .default("matching" satisfies Shown),
    )
    .addHelpText("after", examples)
    .action(async (flags: Flags) => {
      const { findTasks } = await import("../platform/suite-tasks.js");
      const { readPublished } = await import("../platform/published.js");
      const tasks = await findTasks(flags.data, flags.tasks);
      const options = { ...(await readSuite(command, flags, "vtab-1k", recipe)), tasks };
      const published = readPublished();
      await performSuite(options, flags, (outcome) => partsOf(outcome, published, flags.published));
    });
}

function partsOf(outcome: SuiteOutcome, published: Published, shown: Shown): readonly Part[] {
  const { plan, lines, searched } = outcome;
  const { config, seeds, final = false } = plan.options;
  const samples = plan.tasks.map(({ name, dataset, images }) => ({
    name,
    classes: dataset.classes.length,
    images,
    isOwn: dataset.isOwnSample,
  }));
  const protocol = {
    architecture: lines[0]?.architecture ?? "",
    imageSize: config.imageSize,
    epochs: config.epochs ?? 100,
    seeds: seeds.length,
    final,
    mean: plan.contract.mean,
    std: plan.contract.std,
  };
  return vtabParts(materialOf(outcome, groupOf), searched, samples, protocol, published, shown);
}
