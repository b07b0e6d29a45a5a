// Prepares a fresh clone and runs one of its commands: node scripts/bootstrap.mjs demo | test | bench [arguments].
// Installs what the lock file says when that has not been done, builds when a source is newer than the build.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tool = (name) => join(root, "node_modules", ...name.split("/"));

/** Runs a program of this Node; ends with its exit code where it fails. */
function run(script, args = [], env = {}) {
  const { status, error } = spawnSync(process.execPath, [script, ...args], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...env },
  });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

/** npm's own script: given by npm, or beside this Node when it was started by hand. */
function npmScript() {
  const beside = dirname(process.execPath);
  const places = [
    process.env.npm_execpath,
    join(beside, "node_modules", "npm", "bin", "npm-cli.js"),
    join(beside, "..", "lib", "node_modules", "npm", "bin", "npm-cli.js"),
  ];
  const found = places.find((place) => place?.endsWith(".js") && existsSync(place));
  if (found) return found;
  console.error("bootstrap: npm was not found. Start this by npm: npm run demo, npm test, npm run bench.");
  process.exit(2);
}

const timeOf = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

/** The newest change below a folder. */
const newest = (folder) =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((latest, entry) => Math.max(latest, timeOf(join(entry.parentPath ?? entry.path, entry.name))), 0);

function install() {
  if (timeOf(join(root, "node_modules/.package-lock.json")) >= timeOf(join(root, "package-lock.json"))) return;
  console.error("bootstrap: installing (npm ci)");
  // The CPU runtime comes with the package; its install script would only fetch files for other devices.
  run(npmScript(), ["ci", "--no-audit", "--no-fund"], { ONNXRUNTIME_NODE_INSTALL: "skip" });
}

function build() {
  const sources = Math.max(
    newest(join(root, "src")),
    timeOf(join(root, "tsconfig.json")),
    timeOf(join(root, "package.json")),
  );
  if (timeOf(join(root, "dist/.built")) >= sources) return;
  console.error("bootstrap: building");
  run(join(root, "scripts/build.mjs"));
}

const commands = {
  demo: (args) => run(join(root, "scripts/demo.mjs"), args),
  bench: (args) => run(join(root, "bench/main.mjs"), args),
  test(args) {
    run(tool("@biomejs/biome/bin/biome"), ["check", "."]);
    run(tool("typescript/bin/tsc"), ["--noEmit", "-p", "tsconfig.test.json"]);
    // The API pages have no gaps: every export documented, every link alive.
    run(tool("typedoc/bin/typedoc"), ["--emit", "none", "--logLevel", "Warn"]);
    run(tool("vitest/vitest.mjs"), ["run", ...args]);
  },
};

const [name = "", ...args] = process.argv.slice(2);
if (!Object.hasOwn(commands, name)) {
  console.error(`bootstrap: expected one of ${Object.keys(commands).join(", ")}, got ${JSON.stringify(name)}.`);
  process.exit(2);
}
install();
build();
commands[name](args);
