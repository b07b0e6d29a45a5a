#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { ConfigError } from "../errors.js";
import { endWithReader, Interruption, showLive, tell } from "../platform/terminal.js";
import { packageVersion } from "../platform/versions.js";

/** The commands: a line for the overview, and a file that is loaded when the command is called. */
const commands = {
  train: ["train an adapter on labelled images", () => import("./train.js")],
  evaluate: ["score a trained run on a data set", () => import("./evaluate.js")],
  predict: ["classify images with a run, or with a backbone's own head", () => import("./predict.js")],
  suite: ["compare methods on benchmarks", () => import("./suite.js")],
  report: ["write the report of a run: curves, confusion, mistakes", () => import("./report.js")],
  export: [
    "merge a run and write it for other programs: ONNX, transformers.js, timm, HF, PEFT",
    () => import("./export.js"),
  ],
  data: ["check or make the data of a benchmark", () => import("./data.js")],
  inspect: ["show what a backbone, adapter, run, data set or architecture is", () => import("./inspect.js")],
} as const satisfies Record<string, readonly [string, () => Promise<CommandFile>]>;

/** What every command's file exports: it adds arguments, flags, examples and the action. */
export interface CommandFile {
  configure(command: Command): void | Promise<void>;
}

const examples = `
Examples:
  $ sas-petl train --backbone vit_tiny --data flowers --out runs/flowers
  $ sas-petl evaluate --run runs/flowers --data flowers
  $ sas-petl predict --run runs/flowers "photos/*.jpg" --top-k 3
  $ sas-petl predict --backbone vit_tiny cat.jpg --json
  $ sas-petl inspect vit_base_patch16_224 --method sas

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.`;

async function main(args: readonly string[]): Promise<number> {
  endWithReader();
  const program = new Command("sas-petl")
    .description("Fine-tunes a pretrained Vision Transformer with an adapter smaller than 0.05 % of the network.")
    .version(packageVersion(), "-V, --version", "show the version")
    .helpOption("-h, --help", "show this help")
    .addHelpText("after", examples)
    .showHelpAfterError("(see --help)")
    .enablePositionalOptions()
    .exitOverride();
  const words = args.filter((arg) => !arg.startsWith("-"));
  const called = words[0] === "help" ? words[1] : words[0];
  for (const [name, [summary, load]] of Object.entries(commands)) {
    const command = program.command(name).description(summary);
    if (name !== called) continue;
    command
      .option("--json", "one JSON object per line on stdout, and nothing else there")
      .option("--debug", "show where an error comes from");
    await (await load()).configure(command);
  }
  try {
    // Of its own accord commander would show the help, and not say why.
    const isHelp = words[0] === "help" && called !== undefined && called !== "help";
    if (isHelp && !Object.hasOwn(commands, called)) program.error(`error: unknown command '${called}'`);
    await program.parseAsync(args, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    showLive("");
    return explain(error, args.includes("--debug"));
  }
}

/** Says on stderr what went wrong, and returns the exit code. */
function explain(error: unknown, isDebug: boolean): number {
  // Commander has already said what it had to say.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof Interruption) return 130;
  const text = error instanceof Error ? error.message : String(error);
  const stack = isDebug && error instanceof Error ? `\n${error.stack}` : "";
  tell(`error: ${text}${stack}`);
  return error instanceof ConfigError ? 2 : 1;
}

process.exitCode = await main(process.argv.slice(2));
