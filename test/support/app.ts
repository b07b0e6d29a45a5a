import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";

/** A folder as it is after `npm install sas-petl`: what is packed, and beside it what the package depends on. */
export interface App {
  readonly folder: string;
  readonly tarball: string;
  /** Writes a file, with the folders it needs. */
  write(name: string, text: string): void;
  /** What a program of this Node prints, started in the folder. */
  run(...args: readonly string[]): string;
}

/** Makes such a folder of the built package. */
export function makeApp(): App {
  const folder = mkdtempSync(join(tmpdir(), "sas-petl-app-"));
  execFileSync("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder], { stdio: "pipe" });
  const tarball = join(folder, readdirSync(folder)[0] ?? "");
  execFileSync("tar", ["-xf", tarball], { cwd: folder });
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, ".bin"), { recursive: true });
  cpSync(join(folder, "package"), join(modules, "sas-petl"), { recursive: true });
  for (const name of readdirSync("node_modules")) {
    if (name.startsWith(".") || name === "sas-petl") continue;
    symlinkSync(resolve("node_modules", name), join(modules, name));
  }
  for (const name of ["sas-petl", "typescript", "vite"]) {
    const { bin } = JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8"));
    for (const [command, file] of Object.entries(bin as Readonly<Record<string, string>>))
      symlinkSync(relative(join(modules, ".bin"), join(modules, name, file)), join(modules, ".bin", command));
  }
  const app: App = {
    folder,
    tarball,
    write(name, text) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    },
    run: (...args) => execFileSync(process.execPath, args, { cwd: folder, encoding: "utf8", stdio: "pipe" }),
  };
  app.write("package.json", '{ "type": "module" }');
  return app;
}
