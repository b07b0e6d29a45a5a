import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { type Browser, chromium, type Page, type Route } from "playwright-core";
import ts from "typescript";
import type { Engine, EngineGraph } from "../../src/run/ort-engine.js";

const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((path) => existsSync(path));

/** Why there is no browser; empty where there is one. */
export const whyNoBrowser = executablePath ? "" : " (skipped: there is no /usr/bin/chromium)";

/** A browser without a screen, whose WebGPU is computed by the processor. */
export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: executablePath ?? "",
    args: ["--no-sandbox", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"],
  });

const root = join(import.meta.dirname, "../..");
const contentTypes: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

/**
 * Answers every request from the checkout, sources compiled file by file, and below `/files/` from the folder given:
 * nothing leaves the process.
 */
async function answer(route: Route, files: string): Promise<void> {
  const { pathname } = new URL(route.request().url());
  const compiled = pathname.startsWith("/src/");
  const [, own] = /^\/files\/(.*)$/.exec(pathname) ?? [];
  const file =
    own === undefined ? join(root, compiled ? pathname.replace(/\.js$/, ".ts") : pathname) : join(files, own);
  if (!existsSync(file)) return route.fulfill({ status: 404 });
  const body = await readFile(file);
  await route.fulfill({
    body: compiled ? compile(body.toString()) : body,
    contentType: contentTypes[extname(pathname)] ?? "text/plain",
    // Without these a page has no shared memory, and WebAssembly no threads.
    headers: { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" },
  });
}

const compile = (source: string): string =>
  ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 } })
    .outputText;

/**
 * An empty page that may go to every address of `http://localhost`.
 * @param files folder that the page finds below `/files/`
 */
export async function newPage(browser: Browser, files = root): Promise<Page> {
  const page = await browser.newPage();
  await page.route("**/*", (route) => answer(route, files));
  return page;
}

/** A page that holds our sources and onnxruntime-web, and finds `files` below `/files/`. */
export async function openPage(browser: Browser, files?: string): Promise<Page> {
  const page = await newPage(browser, files);
  await page.goto("http://localhost/test/browser/page.html");
  await page.waitForFunction("document.title === 'ready'");
  return page;
}

/** The engine in a page, seen from here. */
export class PageEngine implements Engine {
  readonly #page: Page;
  readonly #engine: Promise<number>;

  /** @param options ONNX Runtime's session options */
  constructor(page: Page, options: object) {
    this.#page = page;
    this.#engine = page.evaluate(`engines.push(new OrtEngine(ort, ${JSON.stringify(options)})) - 1`);
  }

  load = ({ externalData, ...graph }: EngineGraph) =>
    this.#call<number>("load", [{ ...graph, externalData: [...externalData] }]);
  run: Engine["run"] = (...args) => this.#call("run", args);
  unload: Engine["unload"] = (...args) => this.#call("unload", args);
  upload: Engine["upload"] = (...args) => this.#call("upload", args);
  read: Engine["read"] = (...args) => this.#call("read", args);
  release: Engine["release"] = (...args) => this.#call("release", args);
  close: Engine["close"] = () => this.#call("close", []);

  async #call<T>(method: keyof Engine, args: readonly unknown[]): Promise<T> {
    const call = { engine: await this.#engine, method, args };
    return this.#page.evaluate(
      ({ engine, method, args }) =>
        (globalThis as unknown as { engines: Record<string, (...args: readonly unknown[]) => unknown>[] }).engines[
          engine
        ]?.[method]?.(...args),
      call,
    ) as Promise<T>;
  }
}
