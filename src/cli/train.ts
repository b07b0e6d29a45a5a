import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Command, Option } from "commander";
import type { ReportKind } from "../platform/node.js";
import { interruptSignal, print, printJson, showLive, tell } from "../platform/terminal.js";
import { addConfigFlags, readConfig } from "./config-flags.js";
import { addMethodFlags } from "./flags.js";
import { trainReport } from "./train-report.js";

const examples = `
Examples:
  $ sas-petl train --backbone vit_tiny --data flowers --method sas --epochs 10 --batch-size 32 \\
      --lr 5e-3 --head-lr 1e-3 --image-size 96 --seed 0 --out runs/flowers
  $ sas-petl train --config flowers.json --lr 1e-2 --out runs/flowers-2
  $ sas-petl train --config flowers.json --out runs/flowers --resume

Ctrl-C saves; the same command with --resume goes on. A flag stands above the same key of --config.`;

/** Adds the flags and the action of `train`. */
export function configure(command: Command): void {
  addConfigFlags(command);
  addMethodFlags(command);
  command
    .option("--config <file>", "JSON file with these settings, named as in configs/train.schema.json")
    .option("--resume", "go on with the run in --out where there is one")
    .addOption(
      new Option("--report <kind>", "report.html of the finished run, with pictures of its mistakes or without")
        .choices(["images", "no-images", "none"] satisfies ReportKind[])
        .default("images" satisfies ReportKind),
    )
    .addHelpText("after", examples)
    .action(async (flags: { json?: boolean; config?: string; resume?: boolean; report: ReportKind }) => {
      const config = readConfig(command, flags.config);
      const signal = interruptSignal("Stopping after this step; what is done is saved. Ctrl-C again stops at once.");
      const [{ train }, { runFiles }] = await Promise.all([
        import("../platform/node.js"),
        import("../platform/run-folder.js"),
      ]);
      const report = trainReport(flags.json ?? false);
      const { adapter } = await train(config, {
        signal,
        resume: flags.resume ?? false,
        report: flags.report,
        source: flags.config ?? "command line",
        onWarning: (text) => tell(`warning: ${text}`),
        onEvent(event) {
          if (flags.json) printJson(event);
          report(event);
        },
      });
      showLive("");
      const page = join(dirname(adapter), runFiles.report);
      if (!flags.json && existsSync(page)) print(page);
    });
}
