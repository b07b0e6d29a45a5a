import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** Threads of a finished turn wait busily for more work before they sleep: up to 200 ms in OpenMP. */
const pauseMs = 300;

/** The middle value, or the mean of the two in the middle. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** Median, least and greatest value. */
export const spread = (values) => ({ median: median(values), min: Math.min(...values), max: Math.max(...values) });

/** The spread of a[i] / b[i]: what is compared was measured in the same round. */
export const ratio = (a, b) => spread(a.map((value, i) => value / b[i]));

/**
 * What each turn gives, by name and round. The turns alternate (A B A B …), so that a machine that slows down slows
 * all of them, and only one computes at a time.
 */
export async function interleave(rounds, turns) {
  const found = Object.fromEntries(Object.keys(turns).map((name) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    progress(`round ${round} of ${rounds}`);
    for (const [name, turn] of Object.entries(turns)) {
      await setTimeout(pauseMs);
      found[name].push(await turn());
    }
  }
  progress("");
  return found;
}

/**
 * A process that answers each line of JSON with one. Between questions it is idle, so it takes nothing from the others.
 * Its first line, given as `ready`, says that it has loaded.
 */
export async function startProcess(command, args) {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const failed = once(child, "error").then(([error]) => Promise.reject(error));
  failed.catch(() => {});
  const answer = async () => {
    const { value, done } = await Promise.race([lines.next(), failed]);
    if (done) throw new Error(`${command} ${args[0]} ended without an answer`);
    return JSON.parse(value);
  };
  return {
    ready: await answer(),
    ask(request = {}) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      return answer();
    },
    async close() {
      child.stdin.end();
      if (child.exitCode === null) await once(child, "exit");
    },
  };
}

/** A process of this folder. */
export const startOwn = (file, options) =>
  startProcess(process.execPath, [fileURLToPath(new URL(file, import.meta.url)), JSON.stringify(options)]);

/** The other side of `startOwn`: says that it is ready, then answers until nobody asks. */
export async function serve(ready, reply) {
  const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
  say(ready);
  for await (const line of createInterface({ input: process.stdin })) say(await reply(JSON.parse(line)));
}

/** Most memory this process ever held, in MiB. Node gives kB on every system. */
export const peakMiB = () => process.resourceUsage().maxRSS / 1024;

/** Shows what is going on where somebody watches. */
export function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`);
}
