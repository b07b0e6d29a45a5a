import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Command, Option } from "commander";
import { ConfigError } from "../errors.js";
import type { ReportKind } from "../platform/node.js";
import { interruptSignal, print, printJson, showLive, tell } from "../platform/terminal.js";
import { addConfigFlags, readConfig, withFlag } from "./config-flags.js";
import { addMethodFlags, offlineFlag } from "./flags.js";
import { describeForecast } from "./forecast-report.js";
import { trainReport } from "./train-report.js";

const examples = `
Examples:
  $ sas-petl train --backbone vit_tiny --data flowers --method sas --epochs 10 --batch-size 32 \\
      --lr 5e-3 --head-lr 1e-3 --image-size 96 --seed 0 --out runs/flowers
  $ sas-petl train --backbone timm/vit_tiny_patch16_224.augreg_in21k --data flowers --out runs/flowers
  $ sas-petl train --config flowers.json --lr 1e-2 --out runs/flowers-2
  $ sas-petl train --config flowers.json --out runs/flowers --resume
  $ sas-petl train --config flowers.json --method lora --dry-run --out runs/flowers-lora

Ctrl-C saves; the same command with --resume goes on. A flag stands above the same key of --config.`;

interface TrainFlags {
  readonly json?: boolean;
  readonly config?: string;
  readonly resume?: boolean;
  readonly dryRun?: boolean;
  readonly offline?: boolean;
  readonly report: ReportKind;
}

/** Adds the flags and the action of `train`. */
export function configure(command: Command): void {
  addConfigFlags(command);
  addMethodFlags(command);
  command
    .option("--config <file>", "JSON file with these settings, named as in configs/train.schema.json")
    .option("--resume", "go on with the run in --out where there is one")
    .option("--dry-run", "print what it would be, with memory and time, and write nothing")
    .addOption(offlineFlag())
    .addOption(
      new Option("--report <kind>", "report.html of the finished run, with pictures of its mistakes or without")
        .choices(["images", "no-images", "none"] satisfies ReportKind[])
        .default("images" satisfies ReportKind),
    )
    .addHelpText("after", examples)
    .action(async (flags: TrainFlags) => {
      const { config, source, nameOf } = await readConfig(command, flags.config);
      const notice = "Stopping after this step; what is done is saved. Ctrl-C again stops at once.";
      const signal = interruptSignal(notice, { endsWithReader: true });
      const [{ forecast, train }, { runFiles }] = await Promise.all([
        import("../platform/node.js"),
        import("../platform/run-folder.js"),
      ]);
      const { resume = false, offline, dryRun = false } = flags;
      const onWarning = (text: string): void => tell(`warning: ${text}`);
      const hooks = { signal, resume, offline, source, nameOf, onWarning };
      const explain = (error: unknown): never => {
        throw error instanceof ConfigError ? new ConfigError(withFlag(error.message, nameOf), { cause: error }) : error;
      };
      if (dryRun) {
        const found = await forecast(config, hooks).catch(explain);
        if (flags.json) printJson(found);
        else for (const line of describeForecast(found)) print(line);
        return;
      }
      const report = trainReport(flags.json ?? false);
      const { adapter } = await train(config, {
        ...hooks,
        report: flags.report,
        onEvent(event) {
          if (flags.json) printJson(event);
          report(event);
        },
      }).catch(explain);
      showLive("");
      const page = join(dirname(adapter), runFiles.report);
      if (!flags.json && existsSync(page)) print(page);
    });
}
