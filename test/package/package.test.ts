import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

interface Manifest {
  readonly exports: Readonly<Record<string, { readonly types?: string; readonly default?: string } | string>>;
  readonly bin: Readonly<Record<string, string>>;
}
const manifest = JSON.parse(readFileSync("package.json", "utf8")) as Manifest;
const entries = Object.keys(manifest.exports).filter((name) => name !== "./package.json");

describe.skipIf(!existsSync("dist/.built"))("the package (skipped where dist is not built)", () => {
  it("has a file behind every entry, and one that runs behind the command", () => {
    for (const entry of Object.values(manifest.exports)) {
      for (const path of typeof entry === "string" ? [entry] : Object.values(entry))
        expect(existsSync(path), path).toBe(true);
    }
    for (const path of Object.values(manifest.bin))
      expect(readFileSync(path, "utf8").startsWith("#!/usr/bin/env node\n")).toBe(true);
  });

  it.each(entries)("can be imported by the name people use: %s", (entry) => {
    const name = `sas-petl${entry.slice(1)}`;
    const code = `const entry = await import(${JSON.stringify(name)}); console.log(Object.keys(entry).length)`;
    const output = execFileSync(process.execPath, ["--input-type=module", "--eval", code], { encoding: "utf8" });
    expect(Number(output)).toBeGreaterThan(3);
  });
});
