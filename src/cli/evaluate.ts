import type { Command } from "commander";
import type { Split } from "../platform/node.js";
import { interruptSignal, print, printJson, tell } from "../platform/terminal.js";
import { downloadReport } from "./download-report.js";
import { addHubFlags, addMachineFlags, splitFlag } from "./flags.js";
import { metrics } from "./train-report.js";

const examples = `
Examples:
  $ sas-petl evaluate --run runs/flowers --data flowers
  $ sas-petl evaluate --run runs/flowers --data flowers --split val --best --json
  $ sas-petl evaluate --backbone my-vit --data imagenet --split val`;

interface Flags {
  readonly run?: string;
  readonly data?: string;
  readonly split: Split;
  readonly backbone?: string;
  readonly best?: boolean;
  readonly skipUnreadable?: boolean;
  readonly revision?: string;
  readonly offline?: boolean;
  readonly threads?: number;
  readonly json?: boolean;
}

/** Adds the flags and the action of `evaluate`. */
export function configure(command: Command): void {
  addHubFlags(addMachineFlags(command))
    .option("--run <folder>", "run folder, or an adapter's file")
    .option("--data <folder>", "data set; default: the run's own")
    .addOption(splitFlag())
    .option(
      "--backbone <name>",
      "the run's backbone, folder or name, where it has moved; without --run: with its own head",
    )
    .option("--best", "the epoch that was best on validation images, instead of the last")
    .option("--skip-unreadable", "go on without images that cannot be read")
    .addHelpText("after", examples)
    .action(async ({ json, ...flags }: Flags) => {
      const { evaluate } = await import("../platform/node.js");
      const signal = interruptSignal("Stopping.");
      const found = await evaluate({
        ...flags,
        signal,
        onWarning: (text) => tell(`warning: ${text}`),
        onDownload: downloadReport(),
      });
      if (json) printJson(found);
      else print(`${found.split}: ${found.images} images  ${metrics(found)}`);
    });
}
