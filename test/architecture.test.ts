import ts from "typescript";
import { describe, expect, it } from "vitest";
import { descend, parseSource, readSources, type Source } from "./support/source.js";

const core = ["graph/", "onnx/", "run/", "vit/", "methods/", "adapter/", "data/"];
/**
 * What each folder of src may import beside itself: folders (`graph/`) and single files. Type-only imports count.
 * errors.ts and counts.ts are allowed to all.
 */
const column: Readonly<Record<string, readonly string[]>> = {
  graph: [],
  data: [],
  onnx: ["graph/"],
  run: ["graph/", "onnx/"],
  // Seeded starts are drawn from the counter-based generator; what is no file of weights is told as of images.
  vit: ["graph/", "data/random.ts", "data/impostor.ts"],
  methods: ["graph/", "vit/", "data/random.ts"],
  // An adapter's transform is a sentence of data's.
  adapter: ["graph/", "vit/", "methods/", "data/"],
  // The loop scores every epoch; the metrics are arithmetic and import nothing of train.
  train: [...core, "evaluate/metrics.ts"],
  // Figures and pages for whoever has something to show.
  report: ["adapter/", "data/", "train/", "evaluate/interval.ts", "evaluate/metrics.ts", "evaluate/predictions.ts"],
  evaluate: [...core, "train/", "report/"],
  suite: [...core, "train/", "evaluate/", "report/"],
  export: ["graph/", "onnx/", "vit/", "adapter/", "data/"],
  platform: [...core, "train/", "evaluate/", "report/", "suite/", "export/"],
  web: [...core, "train/", "evaluate/", "export/"],
  cli: [...core, "train/", "evaluate/", "report/", "suite/", "platform/"],
  // index.ts, the portable core.
  "": [...core, "train/", "evaluate/", "report/", "export/"],
};

/** Packages that run everywhere, and where they are used; platform and cli may import what they like. */
const packages: Readonly<Record<string, readonly string[]>> = {
  onnx: ["@bufbuild/protobuf"],
  vit: ["zod", "fflate"],
  methods: ["zod"],
  adapter: ["zod"],
  train: ["zod"],
  evaluate: ["zod"],
  report: ["@bufbuild/protobuf"],
};
const isUnbound = (folder: string): boolean => folder === "platform" || folder === "cli";

const sources = readSources("src");
const written = sources.filter(({ path }) => path !== "onnx/onnx_pb.ts");
const folderOf = (path: string): string => path.slice(0, Math.max(0, path.indexOf("/")));
const lineCount = ({ text }: Source): number => text.trimEnd().split("\n").length;

/** Where something is found, as `file:line`. */
const placesOf = (files: readonly Source[], isFault: (node: ts.Node) => boolean): string[] =>
  files.flatMap(({ path, tree }) =>
    [...descend(tree)]
      .filter(isFault)
      .map((node) => `${path}:${tree.getLineAndCharacterOfPosition(node.getStart()).line + 1}`),
  );

/** True for a name that stands for a global: not a member, a key or a declaration. */
function isGlobal(node: ts.Node, names: readonly string[]): boolean {
  if (!ts.isIdentifier(node) || !names.includes(node.text)) return false;
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  return !("name" in parent && parent.name === node);
}

/** A cycle of imports that are there at run time, as a path from a file to itself; types may refer to each other. */
function cycleOf(files: readonly Source[]): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): string[] => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (done.has(path)) return [];
    for (const { to, isTypeOnly, isPackage } of byPath.get(path)?.links ?? []) {
      const cycle = isTypeOnly || isPackage ? [] : visit(to, [...trail, path]);
      if (cycle.length > 0) return cycle;
    }
    done.add(path);
    return [];
  };
  return files.map(({ path }) => visit(path, [])).find((cycle) => cycle.length > 0) ?? [];
}

describe("the source tree", () => {
  it("has only known folders", () => {
    expect(written.map(({ path }) => path).filter((path) => !(folderOf(path) in column))).toEqual([]);
  });

  it("keeps to the import column", () => {
    const isAllowed = (from: string, to: string): boolean =>
      ["errors.ts", "counts.ts"].includes(to) ||
      folderOf(from) === folderOf(to) ||
      (column[folderOf(from)] ?? []).some(
        (allowed) => to === allowed || (allowed.endsWith("/") && to.startsWith(allowed)),
      );
    const faults = sources.flatMap(({ path, links }) =>
      links.filter(({ to, isPackage }) => !isPackage && !isAllowed(path, to)).map(({ to }) => `${path} → ${to}`),
    );
    expect(faults).toEqual([]);
  });

  it("imports packages only where they belong", () => {
    const isAllowed = (folder: string, to: string): boolean =>
      isUnbound(folder) || (packages[folder] ?? []).some((name) => to === name || to.startsWith(`${name}/`));
    const faults = sources.flatMap(({ path, links }) =>
      links
        .filter(({ to, isPackage }) => isPackage && !isAllowed(folderOf(path), to))
        .map(({ to }) => `${path} → ${to}`),
    );
    expect(faults).toEqual([]);
  });

  it("has no cycles", () => {
    expect(cycleOf(sources)).toEqual([]);
  });

  it("uses nothing of Node.js outside platform and cli", () => {
    const globals = ["process", "Buffer", "require", "module", "global", "__dirname", "__filename", "setImmediate"];
    const portable = sources.filter(({ path }) => !isUnbound(folderOf(path)));
    expect(placesOf(portable, (node) => isGlobal(node, globals))).toEqual([]);
  });

  it("has small files", () => {
    const counts = written.map(lineCount).toSorted((a, b) => a - b);
    expect(written.filter((file) => lineCount(file) > 400).map(({ path }) => path)).toEqual([]);
    expect(counts[Math.floor(counts.length / 2)]).toBeLessThanOrEqual(120);
  });

  it("has files named in kebab-case by what they are", () => {
    const isVague = (path: string): boolean => /(^|[/-])(utils?|helpers?|common|misc)([/.-]|$)/.test(path);
    const isKebab = (path: string): boolean => /^([a-z0-9]+(-[a-z0-9]+)*\/)*[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(path);
    expect(written.map(({ path }) => path).filter((path) => isVague(path) || !isKebab(path))).toEqual([]);
  });

  it("has no any, no enum and no silenced compiler", () => {
    expect(placesOf(written, (node) => node.kind === ts.SyntaxKind.AnyKeyword)).toEqual([]);
    expect(placesOf(written, ts.isEnumDeclaration)).toEqual([]);
    const silenced = written.filter(({ text }) => /@ts-(ignore|expect-error|nocheck)|biome-ignore/.test(text));
    expect(silenced.map(({ path }) => path)).toEqual([]);
  });
});

describe("the tests", () => {
  const tests = readSources("test");
  /** Servers that the tests start themselves; what talks to them is the product. */
  const servers: readonly string[] = ["support/hub-server.ts"];

  it("use no network", () => {
    const modules = /^(node:)?(http|https|http2|net|tls|dgram|dns)(\/|$)|^(undici|ws)$/;
    const importers = tests.filter(({ links }) => links.some(({ to, isPackage }) => isPackage && modules.test(to)));
    expect(importers.map(({ path }) => path)).toEqual(servers);
    expect(placesOf(tests, (node) => isGlobal(node, ["fetch", "WebSocket", "XMLHttpRequest"]))).toEqual([]);
  });

  it("have servers that only this machine reaches, and that reach nothing else", () => {
    const own = tests.filter(({ path }) => servers.includes(path));
    const isNamed = (node: ts.Node, names: readonly string[]): boolean =>
      ts.isImportSpecifier(node) && names.includes((node.propertyName ?? node.name).text);
    expect(placesOf(own, (node) => isNamed(node, ["request", "get", "createConnection", "Agent"]))).toEqual([]);
    const binds = own.flatMap(({ tree }) => [...descend(tree)].filter(isListen));
    expect(binds.length).toBeGreaterThan(0);
    expect(placesOf(own, (node) => isListen(node) && !isLoopback((node as ts.CallExpression).arguments[1]))).toEqual(
      [],
    );
    // A tunnel of the proxy ends on this machine, whatever host was asked for.
    const isConnect = (node: ts.Node) => ts.isCallExpression(node) && node.expression.getText() === "connect";
    expect(placesOf(own, (node) => isConnect(node) && !isLoopback((node as ts.CallExpression).arguments[1]))).toEqual(
      [],
    );
  });
});

/** True for a call that opens a port. */
const isListen = (node: ts.Node): boolean =>
  ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression) && node.expression.name.text === "listen";

const isLoopback = (node: ts.Node | undefined): boolean =>
  node !== undefined && ts.isStringLiteral(node) && node.text === "127.0.0.1";

describe("these checks", () => {
  it("see every kind of import", () => {
    const { links } = parseSource(
      "a/b.ts",
      `import x from "./c.js"; import type { Y } from "../d.js"; export * from "zod"; export type { Z } from "./e/f.js";
       const later = () => import("node:fs"); type Far = import("../g.js").Far; import "./h.js"; import { type W } from "./i.js";`,
    );
    expect(links.map(({ to, isPackage, isTypeOnly }) => [to, isPackage, isTypeOnly])).toEqual([
      ["a/c.ts", false, false],
      ["d.ts", false, true],
      ["zod", true, false],
      ["a/e/f.ts", false, true],
      ["node:fs", true, false],
      ["g.ts", false, true],
      ["a/h.ts", false, false],
      ["a/i.ts", false, false],
    ]);
  });
  it("find a cycle, but not of types alone", () => {
    const first = parseSource("a.ts", 'import "./b.js";');
    const second = parseSource("b.ts", 'import { c } from "./c.js";');
    expect(cycleOf([first, second, parseSource("c.ts", 'import type { B } from "./b.js";')])).toEqual([]);
    const cycle = cycleOf([first, second, parseSource("c.ts", 'export { b } from "./b.js";')]);
    expect(cycle).toEqual(["b.ts", "c.ts", "b.ts"]);
  });
  it("find globals, and tell them from members", () => {
    const file = parseSource("a.ts", "const x = { process: 1 };\nx.process;\nprocess.exit();\nBuffer;\n");
    expect(placesOf([file], (node) => isGlobal(node, ["process", "Buffer"]))).toEqual(["a.ts:3", "a.ts:4"]);
  });
});
