import type { Command } from "commander";
import { print, printJson } from "../platform/terminal.js";

const examples = `
Examples:
  $ sas-petl report runs/flowers
  $ sas-petl report runs/flowers --no-images --out flowers.html

Every finished training writes one already. While a run is still going, this shows how far it is.`;

interface Flags {
  readonly out?: string;
  readonly images: boolean;
  readonly json?: boolean;
}

/** Adds the argument, the flags and the action of `report`. */
export function configure(command: Command): void {
  command
    .argument("<run>", "run folder, finished or still going")
    .option("--out <file>", "the file to write; default: report.html in the run folder")
    .option("--no-images", "leave out the pictures of the worst mistakes")
    .addHelpText("after", examples)
    .action(async (run: string, { out, images, json }: Flags) => {
      const { report } = await import("../platform/report.js");
      const file = await report(run, { out, images });
      if (json) printJson({ event: "report", file });
      else print(file);
    });
}
