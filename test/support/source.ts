import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

/** One import, `import()` or re-export. */
export interface Link {
  /** A path below the folder read (`graph/op.ts`), or a package's specifier. */
  readonly to: string;
  readonly isPackage: boolean;
  /** True for `import type` and `export type`, which leave nothing at run time. */
  readonly isTypeOnly: boolean;
}

/** A TypeScript file as its syntax tree shows it. */
export interface Source {
  /** Its path below the folder read, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly links: readonly Link[];
  readonly tree: ts.SourceFile;
}

/** Every TypeScript file below a folder of the repository. */
export function readSources(folder: string): Source[] {
  const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", folder);
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => {
      const file = join(entry.parentPath, entry.name);
      return parseSource(relative(root, file).split(sep).join("/"), readFileSync(file, "utf8"));
    });
}

/** A TypeScript file, from its text. */
export function parseSource(path: string, text: string): Source {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  return { path, text, tree, links: linksOf(tree, path) };
}

/** Every node of a syntax tree, outermost first. */
export function* descend(node: ts.Node): Generator<ts.Node> {
  yield node;
  for (const child of node.getChildren()) yield* descend(child);
}

function linksOf(tree: ts.SourceFile, path: string): Link[] {
  const links: Link[] = [];
  const link = (specifier: ts.Node | undefined, isTypeOnly: boolean): void => {
    if (!specifier || !ts.isStringLiteral(specifier)) return;
    const isPackage = !specifier.text.startsWith(".");
    const to = posix.join(posix.dirname(path), specifier.text).replace(/\.js$/, ".ts");
    links.push({ to: isPackage ? specifier.text : to, isPackage, isTypeOnly });
  };
  for (const node of descend(tree)) {
    if (ts.isImportDeclaration(node)) {
      link(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword);
    } else if (ts.isExportDeclaration(node)) {
      link(node.moduleSpecifier, node.isTypeOnly);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      link(node.arguments[0], false);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      link(node.argument.literal, true);
    }
  }
  return links;
}
