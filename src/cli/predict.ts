import type { Command } from "commander";
import { ConfigError } from "../errors.js";
import { interruptSignal, print, printJson, tell } from "../platform/terminal.js";
import { downloadReport } from "./download-report.js";
import { addHubFlags, addMachineFlags, parseCount } from "./flags.js";
import { absent, collectImages } from "./image-arguments.js";
import { percent } from "./train-report.js";

const examples = `
Examples:
  $ sas-petl predict --run runs/flowers photo.jpg "more/**/*.png"
  $ sas-petl predict --backbone vit_tiny cat.jpg --top-k 3 --json
  $ sas-petl predict --backbone google/vit-base-patch16-224 cat.jpg
  $ find photos -name "*.jpg" | sas-petl predict --run runs/flowers -
  $ curl -s https://example.org/cat.jpg | sas-petl predict --run runs/flowers -

A folder means the images in it. "-" reads stdin: one image, or a list of files with one name per line.
Images that are missing or cannot be read are named on stderr; the others are finished, then the exit code is 1.`;

interface Flags {
  readonly run?: string;
  readonly backbone?: string;
  readonly best?: boolean;
  readonly topK: number;
  readonly revision?: string;
  readonly offline?: boolean;
  readonly threads?: number;
  readonly json?: boolean;
}

/** Adds the arguments, the flags and the action of `predict`. */
export function configure(command: Command): void {
  addHubFlags(addMachineFlags(command))
    .argument("[files...]", "images, patterns, folders, or - for stdin")
    .option("--run <folder>", "run folder, or an adapter's file")
    .option(
      "--backbone <name>",
      "backbone with its own head, folder or name on the hub; with --run: where the run's has moved",
    )
    .option("--best", "the epoch that was best on validation images, instead of the last")
    .option("--top-k <count>", "classes per image", parseCount, 5)
    .addHelpText("after", examples)
    .action(async (files: readonly string[], { json, ...flags }: Flags) => {
      if (flags.run === undefined && flags.backbone === undefined) {
        throw new ConfigError(
          "predict: give a trained run with --run, or a backbone with its own head with --backbone.",
        );
      }
      const { images, missing } = await collectImages(files);
      const { predict } = await import("../platform/node.js");
      const hooks = {
        signal: interruptSignal("Stopping."),
        onWarning: (text: string) => tell(`warning: ${text}`),
        onDownload: downloadReport(),
      };
      const onUnreadable = ({ reason }: { readonly reason: string }) => {
        tell(`error: ${reason}`);
        process.exitCode = 1;
      };
      if (missing.length > 0) onUnreadable({ reason: absent(missing.join(", ")) });
      for await (const prediction of predict(images, { ...flags, ...hooks, onUnreadable })) {
        if (json) printJson(prediction);
        else
          print(`${prediction.file}  ${prediction.top.map((c) => `${c.class} ${percent(c.probability)}`).join("  ")}`);
      }
    });
}
