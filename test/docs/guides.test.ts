import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { launch, newPage, whyNoBrowser } from "../browser/chromium.js";
import { type App, makeApp } from "../support/app.js";
import { type Block, missingLines, readBlocks } from "../support/guide.js";
import { makeTinyTask } from "../support/tiny-task.js";

/**
 * What people have before they begin: photos, and networks. The networks are tiny and of random numbers, under the names of
 * real ones; that of the hub lies in a cache, as if it had been downloaded.
 */
const hubName = "timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k";
const commit = "1".repeat(40);
const families = "test/golden/vit/families";
const isBuilt = existsSync("dist/.built");

/** A text that is followed in a folder of its own. */
interface Text {
  readonly path: string;
  readonly blocks: readonly Block[];
  readonly folder: string;
}
const paths = ["README.md", ...readdirSync("docs/guides").map((name) => join("docs/guides", name))];
const readText = (path: string): readonly Block[] => readBlocks(readFileSync(path, "utf8"));

let app: App;
let task: string;
let texts: readonly Text[];

/** A folder to follow a text in. */
function openFolder(path: string): string {
  const folder = join(app.folder, basename(path, ".md"));
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  symlinkSync(join(app.folder, "node_modules"), join(folder, "node_modules"));
  for (const [from, to] of [
    [join(task, "data"), "flowers"],
    [join(task, "data/test/red/0.png"), "photo.png"],
    [join(families, "timm-vit"), "my-vit"],
    [join(families, "timm-vit-pth/checkpoint.pth"), "my-vit.pth"],
    [join(families, "timm-vit-pth/config.json"), "config.json"],
    [join(families, "google-augreg/B_16.npz"), "B_16.npz"],
    [join(task, "backbone"), `cache/hub/models--${hubName.replace("/", "--")}/snapshots/${commit}`],
  ] as const) {
    cpSync(from, join(folder, to), { recursive: true });
  }
  const ref = join(folder, `cache/hub/models--${hubName.replace("/", "--")}/refs/main`);
  mkdirSync(dirname(ref));
  writeFileSync(ref, commit);
  return folder;
}

/** What a shell says to the commands of a block; ends with the first that fails. */
const say = (commands: string, folder: string): Promise<{ readonly code: number; readonly output: string }> =>
  new Promise((done) => {
    const env = { ...process.env, NO_COLOR: "1", HF_HOME: join(folder, "cache"), HF_HUB_OFFLINE: "1" };
    const child = execFile(
      "bash",
      ["-euo", "pipefail", "-c", `exec 2>&1\n${commands}`],
      { cwd: folder, env },
      (error, output) => done({ code: error ? Number(error.code ?? 1) : 0, output }),
    );
    child.stdin?.end();
  });

/** Writes the files of a text into the folder of its own. @returns those that a compiler can check */
function writeFiles(blocks: readonly Block[], folder: string): readonly string[] {
  for (const { file, text } of blocks) {
    if (file === undefined) continue;
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), `${text}\n`);
  }
  return blocks.flatMap(({ file }) => (file !== undefined && /\.m?[jt]s$/.test(file) ? [join(folder, file)] : []));
}

/** Does what a text says, and compares what is printed with what it shows. */
async function follow({ path, folder, blocks }: Text): Promise<void> {
  for (const [i, { language, text, line }] of blocks.entries()) {
    if (language !== "sh") continue;
    const { code, output } = await say(text, folder);
    expect(code, `${path}:${line}: ${output}`).toBe(0);
    const shown = blocks[i + 1];
    if (shown?.language === "text")
      expect(missingLines(shown.text, output), `${path}:${shown.line}: ${output}`).toEqual([]);
  }
}

beforeAll(async () => {
  if (!isBuilt) return;
  app = makeApp();
  task = await makeTinyTask();
  texts = paths.map((path) => ({ path, blocks: readText(path), folder: openFolder(path) }));
}, 120_000);

describe.skipIf(!isBuilt)("the guides (skipped where dist is not built)", () => {
  it("have code that a compiler takes", () => {
    const files = texts.flatMap(({ blocks, folder }) => writeFiles(blocks, folder));
    const compilerOptions = { module: "nodenext", target: "es2023", strict: true, types: ["node"], checkJs: true };
    app.write("check.json", JSON.stringify({ compilerOptions: { ...compilerOptions, noEmit: true }, files }));
    expect(files.length).toBeGreaterThan(paths.length);
    expect(app.run("node_modules/typescript/bin/tsc", "-p", "check.json")).toBe("");
  }, 120_000);

  it.each(paths)(
    "%s does what it says",
    async (path) => {
      await follow(texts.find((text) => text.path === path) as Text);
    },
    240_000,
  );

  it.skipIf(whyNoBrowser !== "")(
    `the page of web-app.md names what a picture shows${whyNoBrowser}`,
    async () => {
      const browser = await launch();
      try {
        const tab = await newPage(browser, join(app.folder, "web-app/dist"));
        await tab.goto("http://localhost/files/index.html");
        await tab.waitForFunction("!document.querySelector('input').disabled", undefined, { timeout: 60_000 });
        await tab.setInputFiles("input", join(task, "data/test/red/0.png"));
        await tab.waitForSelector("li", { timeout: 60_000 });
        const answers = await tab.locator("li").allTextContents();
        expect(answers.map((text) => text.replace(/ [\d.]+ %$/, "")).sort()).toEqual(["blue", "green", "red"]);
      } finally {
        await browser.close();
      }
    },
    120_000,
  );
});

describe("the blocks of a guide", () => {
  it("are read with language, file and line", () => {
    expect(readBlocks("a\n```ts x.ts\n1\n\n2\n```\n```\nb\n```\n")).toEqual([
      { language: "ts", file: "x.ts", text: "1\n\n2", line: 2 },
      { language: "", file: undefined, text: "b", line: 7 },
    ]);
    expect(() => readBlocks("```sh\nls\n")).toThrow("line 1");
    // A language or a file that is spelled otherwise would be a block nobody runs.
    for (const path of paths) {
      for (const { language, file, line } of readText(path)) {
        expect(["sh", "text", "console", "python", "ts", "js", "html", "json"], `${path}:${line}`).toContain(language);
        expect(file !== undefined, `${path}:${line}: a file's name`).toBe(
          ["ts", "js", "html", "json"].includes(language),
        );
      }
    }
  });

  it("are compared with what is printed line by line", () => {
    expect(missingLines("a … c\n…\n\nd (1)", "x\na b c\ny\n  d (1)")).toEqual([]);
    expect(missingLines("d\na", "a\nd")).toEqual(["a"]);
    expect(missingLines("a.c", "abc")).toEqual(["a.c"]);
  });
});

it("links of the documentation lead somewhere", () => {
  const pages = [
    ...["README.md", "FEATURES.md", "ARCHITECTURE.md", "CHANGELOG.md"],
    ...readdirSync("docs", { recursive: true })
      .map(String)
      .filter((name) => name.endsWith(".md"))
      .map((name) => join("docs", name)),
  ];
  const broken = pages.flatMap((path) =>
    [...readFileSync(path, "utf8").matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
      .map(([, to = ""]) => to)
      .filter((to) => !existsSync(join(dirname(path), to)))
      .map((to) => `${path} → ${to}`),
  );
  expect(broken).toEqual([]);
});
