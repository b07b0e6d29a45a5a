import type { Command } from "commander";
import { printAccount } from "../adapter/account.js";
import { thousands } from "../counts.js";
import type { Account, Inspection } from "../platform/node.js";
import { interruptSignal, print, printJson, showLive, tell } from "../platform/terminal.js";
import { dataLines } from "./data-report.js";
import { downloadReport } from "./download-report.js";
import { addHubFlags, addMethodFlags, methodOptionsOf, parseCount } from "./flags.js";

const examples = `
Examples:
  $ sas-petl inspect vit_base_patch16_224 --method sas
  $ sas-petl inspect weights/vit_tiny --classes 10 --rank 8 --embedding 8
  $ sas-petl inspect timm/vit_small_patch16_224.augreg_in21k --revision main
  $ sas-petl inspect runs/flowers --json
  $ sas-petl inspect flowers
  $ sas-petl inspect flowers.zip --json

Of a data set every image is decoded: counts and sizes, then what is wrong with it (files that cannot be read, copies,
the same image in train and test, contradicting labels, imbalance, odd shapes) and what to do about each. Whatever is
found, the exit code is 0; it is 1 or 2 only where the data cannot be opened at all.`;

interface Flags {
  readonly json?: boolean;
  readonly method?: string;
  readonly classes?: number;
  readonly revision?: string;
  readonly offline?: boolean;
}

/** Adds the argument, the flags and the action of `inspect`. */
export function configure(command: Command): void {
  command
    .argument(
      "<target>",
      "backbone (folder or name on the hub), adapter file or folder of HF PEFT, run folder, data set (folder, archive, list, drawn:…), or an architecture's name",
    )
    .option("--method <method>", "for a network: how it is adapted (default: sas)")
    .option("--classes <count>", "for a network: classes of the head", parseCount);
  addMethodFlags(addHubFlags(command));
  command.addHelpText("after", examples).action(async (target: string, flags: Flags) => {
    const { inspect } = await import("../platform/node.js");
    const signal = interruptSignal("Stopping.");
    const found = await inspect(target, {
      signal,
      onProgress: progressLine("images looked at"),
      method: flags.method,
      classes: flags.classes,
      options: methodOptionsOf(command),
      revision: flags.revision,
      offline: flags.offline,
      onDownload: downloadReport(),
      onWarning: (text) => tell(`warning: ${text}`),
    });
    showLive("");
    if (flags.json) printJson(found);
    else for (const line of found.kind === "data" ? dataLines(found) : lines(found)) print(line);
  });
}

const own: ReadonlySet<string> = new Set(["kind", "name", "trainable", "head", "total", "share"]);

/** A function that shows how far a work has come, ten times a second at most. */
function progressLine(what: string): (done: number, total: number) => void {
  let last = 0;
  return (done, total) => {
    const now = performance.now();
    if (now - last < 100) return;
    last = now;
    showLive(`${thousands(done)} of ${thousands(total)} ${what}`);
  };
}

/** The inspection as lines: what it is, the account, then everything else, one group indented below its name. */
function* lines(found: Inspection): Generator<string> {
  yield `${found.kind} ${found.name}`;
  if ("trainable" in found) yield printAccount(found as Account);
  for (const [key, value] of Object.entries(found)) {
    if (!own.has(key)) yield* entry(key, value, "");
  }
}

function* entry(key: string, value: unknown, indent: string): Generator<string> {
  const isGroup = typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
  if (!isGroup) yield `${indent}${key}: ${shortened(value)}`;
  else {
    yield `${indent}${key}:`;
    for (const [inner, content] of Object.entries(value)) yield* entry(inner, content, `${indent}  `);
  }
}

/** A value in one line; of a long list the beginning and how much more there is. */
function shortened(value: unknown): string {
  if (value === null) return "none";
  if (!Array.isArray(value)) return typeof value === "object" ? "none" : String(value);
  const shown = value.slice(0, 12).map(String).join(", ");
  if (value.length === 0) return "none";
  return value.length > 12 ? `${shown}, … (${value.length} in all)` : shown;
}
