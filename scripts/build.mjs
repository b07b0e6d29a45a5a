// Compiles src/ to dist/, makes the command executable, and writes the JSON Schema of the configuration.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const compiler = createRequire(import.meta.url).resolve("typescript/bin/tsc");
const { status } = spawnSync(process.execPath, [compiler, "-p", "tsconfig.json"], { stdio: "inherit" });
if (status !== 0) process.exit(status ?? 1);

if (process.platform !== "win32") chmodSync("dist/cli/main.js", 0o755);

const { configJsonSchema } = await import("../dist/train/config.js");
const schema = `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
const file = "configs/train.schema.json";
mkdirSync("configs", { recursive: true });
const written = (() => {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
})();
if (written !== schema) writeFileSync(file, schema);

// The bootstrap compares the age of this file with that of the sources.
writeFileSync("dist/.built", "");
