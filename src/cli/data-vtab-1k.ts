import type { Command } from "commander";
import { thousands } from "../counts.js";
import { ConfigError } from "../errors.js";
import { interruptSignal, print, printJson, showLive } from "../platform/terminal.js";
import { parseCount, parseNumber, parseWords } from "./flags.js";
import { checkLines, drawLines } from "./vtab-report.js";

const examples = `
Examples:
  $ sas-petl data prepare vtab-1k --data data/vtab-1k
  $ sas-petl data prepare vtab-1k --data data/vtab-1k --tasks eurosat,dtd --write-manifest vtab.json
  $ sas-petl data prepare vtab-1k --data copy --compare vtab.json
  $ sas-petl data prepare vtab-1k --from originals --out data/own-vtab --seed 1
  $ sas-petl data prepare vtab-1k --from originals --out data/own-vtab --tasks svhn --test-images 2000 --resume

With --data the usual layout is checked, list by list and file by file. With --from a sample of your own is drawn from
originals (class folders, lists, archives, parquet; npz of dSprites; files of small NORB, CLEVR and KITTI), which suites
never print beside published figures. docs/vtab-1k.md says where originals are looked for and how labels follow.

The exit code is 0 where nothing is at fault, 1 where something is: a list, label or file that is not as it should be, a
difference from the manifest, a task named by --tasks that is missing or cannot be drawn. Tasks that are merely not
there, subsets and own samples are no faults.`;

interface Flags {
  readonly data?: string;
  readonly check?: boolean;
  readonly tasks?: readonly string[];
  readonly from?: string;
  readonly out?: string;
  readonly seed?: number;
  readonly testImages?: number;
  readonly resume?: boolean;
  readonly writeManifest?: string;
  readonly compare?: string;
  readonly json?: boolean;
}

/** Adds the flags and the action of `data prepare vtab-1k`. */
export function configure(command: Command): void {
  command
    .option("--data <root>", "folder in which the tasks' folders lie: check them")
    .option("--check", "check --data, which is what happens without --from")
    .option("--tasks <list>", "tasks, divided by commas; default: all that are there", parseWords)
    .option("--write-manifest <file>", "after a check: write the digests of all tasks")
    .option("--compare <file>", "with a check: compare with the digests in this file")
    .option("--from <folder>", "folder of originals: draw a sample of your own from them")
    .option("--out <folder>", "where that sample is written; a new folder")
    .option("--seed <number>", "seed of the sample (default: 0)", parseNumber)
    .option("--test-images <count>", "test images at most; default: as many as there are", parseCount)
    .option("--resume", "go on in --out; tasks that are finished there stay")
    .addHelpText("after", examples)
    .action(async (flags: Flags) => {
      refuseMixture(flags);
      process.exitCode = flags.from === undefined ? await check(flags) : await draw(flags);
    });
}

/** Flags of the one half that come with those of the other have no effect, so they are errors. */
function refuseMixture(flags: Flags): void {
  const checks = ["data", "check", "writeManifest", "compare"] as const;
  const draws = ["from", "out", "seed", "testImages", "resume"] as const;
  const given = (keys: readonly (keyof Flags)[]): string | undefined => keys.find((key) => flags[key] !== undefined);
  const flag = (key: string): string => `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  const [one, other] = [given(checks), given(draws)];
  if (one && other) {
    throw new ConfigError(
      `${flag(one)} is for a check of --data, ${flag(other)} for a sample drawn with --from; give one of them.`,
    );
  }
  if (!flags.data && !flags.from) {
    throw new ConfigError("data: expected --data with the folder to check, or --from and --out to draw a sample.");
  }
  if (flags.from && !flags.out) throw new ConfigError("--out is missing: the folder that the sample is written to.");
}

const progress = (word: string) => {
  let last = 0;
  return (task: string, done: number, total: number): void => {
    const now = performance.now();
    if (now - last < 100) return;
    last = now;
    showLive(`${task}: ${thousands(done)} of ${thousands(total)} images ${word}`);
  };
};

async function check({ data = "", tasks, writeManifest, compare, json }: Flags): Promise<number> {
  const { checkVtab } = await import("../platform/vtab/check.js");
  const manifest = await import("../platform/vtab/manifest.js");
  const known = compare === undefined ? undefined : await manifest.readManifest(compare);
  const signal = interruptSignal("Stopping.");
  const found = await checkVtab(data, { tasks, signal, onProgress: progress("looked at") });
  const checks = known ? manifest.compareManifest(found, known) : found;
  if (writeManifest !== undefined) await manifest.writeManifest(writeManifest, checks);
  showLive("");
  if (json) for (const task of checks) printJson(task);
  else for (const line of checkLines(checks)) print(line);
  return checks.some(({ faults }) => faults.length > 0) ? 1 : 0;
}

async function draw({ from = "", out = "", tasks, seed, testImages, resume, json }: Flags): Promise<number> {
  const { drawVtab } = await import("../platform/vtab/draw.js");
  const signal = interruptSignal("Stopping. Tasks that are finished stay; go on with --resume.");
  const onProgress = progress("written");
  const outcomes = await drawVtab({ from, out, tasks, seed, testImages, resume, signal, onProgress });
  showLive("");
  if (json) for (const outcome of outcomes) printJson(outcome);
  else for (const line of drawLines(outcomes, out)) print(line);
  const isDone = outcomes.some(({ state }) => state === "drawn" || state === "already there");
  return !isDone || outcomes.some(({ state }) => state === "refused" || (tasks && state === "absent")) ? 1 : 0;
}
