import { cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { train } from "../../src/platform/train.js";
import { launch, newPage, whyNoBrowser } from "../browser/chromium.js";
import { type App, makeApp } from "../support/app.js";
import { makeTinyTask } from "../support/tiny-task.js";

const isBuilt = existsSync("dist/.built");
const entries = Object.keys(JSON.parse(readFileSync("package.json", "utf8")).exports)
  .filter((name) => name !== "./package.json")
  .map((name) => `sas-petl${name.slice(1)}`);
/** Bytes of a page's own script with everything of `sas-petl/web` in it, minified, without ONNX Runtime. */
const webCeiling = 280_000;

let app: string;
let made: App;
beforeAll(() => {
  if (!isBuilt) return;
  made = makeApp();
  app = made.folder;
}, 120_000);

const write: App["write"] = (name, text) => made.write(name, text);
const run: App["run"] = (...args) => made.run(...args);
const installed = (path: string): string => resolve("node_modules", path);
/** Vite's result for the app, in a process of its own: its watchers and workers stay out of the tests. */
function bundle(config: object): { readonly fileName: string; readonly bytes: number }[] {
  write(
    "bundle.js",
    `import { build } from "vite";
    const config = ${JSON.stringify(config)};
    const result = await build({ configFile: false, logLevel: "silent", base: "./", ...config });
    const files = [result].flat().flatMap(({ output }) => output);
    console.log(JSON.stringify(files.map((f) => ({ fileName: f.fileName, bytes: (f.code ?? f.source).length }))));`,
  );
  return JSON.parse(run("bundle.js"));
}

describe.skipIf(!isBuilt)("the package as people get it (skipped where dist is not built)", () => {
  it("holds what it needs and nothing else", () => {
    const names = readdirSync(join(app, "package"), { recursive: true }).map(String);
    expect(names).toEqual(
      expect.arrayContaining(["README.md", "LICENSE", "NOTICE", "dist/cli/main.js", "dist/web/index.js"]),
    );
    expect(
      names.filter((name) => /(^|\/)(test|bench|node_modules|runs|results)(\/|$)|\.tsbuildinfo$/.test(name)),
    ).toEqual([]);
  });

  it("has a command that runs", () => {
    expect(run("node_modules/sas-petl/dist/cli/main.js", "--help")).toContain("Usage: sas-petl");
  });

  it("has types and code behind every entry", () => {
    const names = entries.map((_, i) => `entry${i}`);
    write(
      "consumer.ts",
      [
        ...entries.map((entry, i) => `import * as entry${i} from "${entry}";`),
        `import { openNetwork, type Classifier } from "sas-petl/web";`,
        `export const open: (ort: Parameters<typeof openNetwork>[0]["ort"]) => Promise<Classifier> =`,
        `  async (ort) => (await openNetwork({ ort, backbone: "backbone" })).adapt("adapter.safetensors");`,
        `console.log([${names}].every((entry) => Object.keys(entry).length > 3));`,
      ].join("\n"),
    );
    for (const [module, moduleResolution] of [
      ["nodenext", "nodenext"],
      ["node16", "node16"],
      ["esnext", "bundler"],
    ]) {
      const options = {
        module,
        moduleResolution,
        target: "es2023",
        strict: true,
        types: ["node"],
        // Our own declarations are checked whole once; the others find the same files.
        skipLibCheck: moduleResolution !== "nodenext",
      };
      write("tsconfig.json", JSON.stringify({ compilerOptions: options, files: ["consumer.ts"] }));
      expect(run(installed("typescript/bin/tsc"), "-p", ".", "--outDir", "out")).toBe("");
    }
    expect(run("out/consumer.js").trim()).toBe("true");
  }, 300_000);

  it("pleases publint and attw", () => {
    write(
      "publint.js",
      `import { publint } from "publint"; console.log(JSON.stringify((await publint({ pkgDir: "package", strict: true })).messages));`,
    );
    expect(JSON.parse(run("publint.js"))).toEqual([]);
    // It ends with another exit code where it finds a problem.
    run(installed("@arethetypeswrong/cli/dist/index.js"), made.tarball, "--profile", "esm-only", "--no-emoji");
  }, 120_000);

  it("makes a small page", () => {
    write("entry.js", 'export * from "sas-petl/web";');
    const rolldownOptions = { input: join(app, "entry.js"), preserveEntrySignatures: "strict" };
    const files = bundle({ build: { write: false, rolldownOptions } });
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    expect(bytes).toBeLessThan(webCeiling);
    expect(bytes).toBeGreaterThan(webCeiling / 2);
  }, 120_000);
});

describe.skipIf(!isBuilt || whyNoBrowser)(`the example page${whyNoBrowser}`, () => {
  it("is short, bundles, and names what a picture shows", async () => {
    const page = readFileSync("examples/browser/index.html", "utf8");
    expect(page.trimEnd().split("\n").length).toBeLessThanOrEqual(40);
    write("index.html", page);
    const folder = await makeTinyTask();
    const adapterRun = join(folder, "run");
    await train({
      backbone: join(folder, "backbone"),
      data: join(folder, "data"),
      out: adapterRun,
      epochs: 5,
      lr: 1e-2,
    });
    const site = join(app, "site");
    bundle({ build: { outDir: site, target: "es2022" } });
    cpSync(join(folder, "backbone"), join(site, "backbone"), { recursive: true });
    cpSync(join(adapterRun, "adapter.safetensors"), join(site, "adapter.safetensors"));

    const browser = await launch();
    try {
      const tab = await newPage(browser, site);
      await tab.goto("http://localhost/files/index.html");
      await tab.waitForFunction("document.querySelector('p').textContent.startsWith('Ready')", undefined, {
        timeout: 60_000,
      });
      await tab.setInputFiles("input", join(folder, "data/test/red/0.png"));
      await tab.waitForSelector("progress", { timeout: 60_000 });
      const answers = await tab.locator("label").allTextContents();
      expect(answers.map((text) => text.replace(/: \d+ %$/, "")).sort()).toEqual(["blue", "green", "red"]);
      await tab.screenshot({ path: join(app, "page.png") });
    } finally {
      await browser.close();
    }
  }, 180_000);
});
