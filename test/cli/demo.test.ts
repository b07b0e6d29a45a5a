import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Outcome } from "./command.js";

const script = fileURLToPath(new URL("../../scripts/demo.mjs", import.meta.url));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sas-petl-demo-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function demo(...args: readonly string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [script, ...args], { env: { ...process.env, NO_COLOR: "1" } });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data: Buffer) => {
    stdout += data.toString("utf8");
  });
  child.stderr.on("data", (data: Buffer) => {
    stderr += data.toString("utf8");
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

interface Line {
  readonly method: string;
  readonly top1: number;
  readonly trainable: number;
  readonly share: number;
  readonly adapter: string;
  readonly bytes: number;
  readonly seconds: number;
}
const summary = (): readonly Line[] =>
  (JSON.parse(readFileSync(join(folder, "summary.json"), "utf8")) as { methods: readonly Line[] }).methods;

it("trains both methods, says what came out, and runs again over its own results", async () => {
  writeFileSync(join(folder, "notes.txt"), "mine");
  const first = await demo("--quick", "--out", folder);
  expect([first.code, first.stderr.includes("error")]).toEqual([0, false]);
  const methods = summary();
  expect(methods.map(({ method }) => method)).toEqual(["linear", "sas"]);
  for (const { method, top1, trainable, share, adapter, bytes, seconds } of methods) {
    expect(top1).toBeGreaterThanOrEqual(0);
    expect(top1).toBeLessThanOrEqual(1);
    expect(trainable > 0).toBe(method === "sas");
    expect(share > 0).toBe(method === "sas");
    expect(adapter.endsWith(join(method, "adapter.safetensors"))).toBe(true);
    expect(statSync(join(folder, method, "adapter.safetensors")).size).toBe(bytes);
    expect(seconds).toBeGreaterThan(0);
    expect(first.stdout).toContain(`  ${method}`);
  }
  expect(first.stdout).toContain("over 2,707,776 frozen parameters");
  expect(first.stdout.split("\n").filter((line) => line.length > 80 && !line.includes("sas"))).toEqual([]);
  expect(first.stdout.match(/npx sas-petl/g)).toHaveLength(3);
  // Output into a pipe holds no control characters but line breaks.
  expect(`${first.stdout}${first.stderr}`).not.toMatch(/(?!\n)\p{Cc}/u);

  const second = await demo("--quick", "--out", folder);
  expect(second.code).toBe(0);
  // The same machine and threads give the same numbers; only the seconds differ.
  expect(summary().map(({ seconds: _, ...line }) => line)).toEqual(methods.map(({ seconds: _, ...line }) => line));
  expect(existsSync(join(folder, "notes.txt"))).toBe(true);
}, 120_000);

it("refuses an unknown flag with one line", async () => {
  const { code, stdout, stderr } = await demo("--fast");
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(/^error: Unknown option '--fast'/);
});
