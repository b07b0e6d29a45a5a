import type { Command } from "commander";

/** What can be prepared: a line for the overview, and a file each. */
const benchmarks = {
  "vtab-1k": ["check the nineteen tasks of VTAB-1k, or draw a sample of your own", () => import("./data-vtab-1k.js")],
} as const;

const examples = `
Examples:
  $ sas-petl data prepare vtab-1k --data data/vtab-1k
  $ sas-petl data prepare vtab-1k --from originals --out data/own-vtab`;

/** Adds `prepare` with a command for each benchmark. */
export async function configure(command: Command): Promise<void> {
  // Or --json behind the last name would be taken for this command's own.
  command.enablePositionalOptions().addHelpText("after", examples);
  const prepare = command
    .command("prepare")
    .description("check or make the data of a benchmark")
    .enablePositionalOptions()
    .addHelpText("after", examples);
  for (const [name, [summary, load]] of Object.entries(benchmarks)) {
    const own = prepare
      .command(name)
      .description(summary)
      .option("--json", "one JSON object per line on stdout, and nothing else there")
      .option("--debug", "show where an error comes from");
    (await load()).configure(own);
  }
}
