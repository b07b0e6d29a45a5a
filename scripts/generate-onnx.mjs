// Writes src/onnx/onnx_pb.ts anew from the official onnx.proto, as the PyPI package `onnx` ships it. Nothing needs this
// at build or test time: the result is checked in. It needs Python with pip, and a network with PyPI and npm.
//
//   node scripts/generate-onnx.mjs
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const versions = { onnx: "1.18.0", "@bufbuild/buf": "1.75.0", "@bufbuild/protoc-gen-es": "2.17.0" };
const target = fileURLToPath(new URL("../src/onnx/onnx_pb.ts", import.meta.url));
const windows = process.platform === "win32";
const python = windows ? "python" : "python3";

const work = mkdtempSync(join(tmpdir(), "onnx-proto-"));
const run = (command, args) => execFileSync(command, args, { cwd: work, stdio: "inherit", shell: windows });
try {
  run(python, ["-m", "pip", "download", "--no-deps", "--only-binary=:all:", `onnx==${versions.onnx}`]);
  const wheel = readdirSync(work).find((name) => name.endsWith(".whl"));
  if (!wheel) throw new Error("pip downloaded no wheel");
  run(python, ["-m", "zipfile", "-e", wheel, "wheel"]);
  // onnx.proto, not onnx-ml.proto: we have neither sequences of maps nor opaque types.
  mkdirSync(join(work, "proto", "onnx"), { recursive: true });
  copyFileSync(join(work, "wheel", "onnx", "onnx.proto"), join(work, "proto", "onnx", "onnx.proto"));

  writeFileSync(join(work, "buf.yaml"), JSON.stringify({ version: "v2", modules: [{ path: "proto" }] }));
  const plugin = { local: "protoc-gen-es", out: "out", opt: ["target=ts", "import_extension=js"] };
  writeFileSync(join(work, "buf.gen.yaml"), JSON.stringify({ version: "v2", plugins: [plugin] }));
  const packages = ["@bufbuild/buf", "@bufbuild/protoc-gen-es"].flatMap((name) => ["-p", `${name}@${versions[name]}`]);
  run("npx", ["--yes", ...packages, "buf", "generate"]);
  copyFileSync(join(work, "out", "onnx", "onnx_pb.ts"), target);
} finally {
  rmSync(work, { recursive: true, force: true });
}
