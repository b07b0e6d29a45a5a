import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The built command. */
export const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** What a command left behind. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts the command. @param onOutput is told of all of stdout so far */
export function start(
  args: readonly string[],
  {
    cwd,
    input,
    env = {},
    onOutput,
  }: { cwd?: string; input?: string | Uint8Array; env?: NodeJS.ProcessEnv; onOutput?: (all: string) => void } = {},
): { readonly child: ChildProcess; readonly done: Promise<Outcome> } {
  const child = spawn(process.execPath, [main, ...args], { cwd, env: { ...process.env, NO_COLOR: "1", ...env } });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data: Buffer) => {
    stdout += data.toString("utf8");
    onOutput?.(stdout);
  });
  child.stderr.on("data", (data: Buffer) => {
    stderr += data.toString("utf8");
  });
  child.stdin.end(input ?? "");
  const done = new Promise<Outcome>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
  return { child, done };
}

/** Runs the command to its end. */
export const run = (args: readonly string[], options: Parameters<typeof start>[1] = {}): Promise<Outcome> =>
  start(args, options).done;

/** Every line of stdout as JSON. */
export const jsonLines = ({ stdout }: Outcome): Record<string, unknown>[] =>
  stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
