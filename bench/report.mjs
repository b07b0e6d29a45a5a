import { appendFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, cpus, totalmem } from "node:os";
import { basename } from "node:path";

const ortVersion = createRequire(import.meta.url)("onnxruntime-node/package.json").version;

/** What the numbers depend on. No name of the machine: results are published. */
const machine = () => ({
  cpu: cpus()[0]?.model.trim() ?? "unknown",
  cores: availableParallelism(),
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  system: `${process.platform} ${process.arch}`,
  node: process.versions.node,
  onnxruntime: ortVersion,
});

/** The command without the paths of this machine. */
const command = () => {
  const words = process.argv.slice(2).map((word, i, all) => (isPath(all[i - 1]) ? basename(word) : word));
  const shown = words.map((word) => word.replace(/^(--(?:python|out)=).*[\\/]/, "$1"));
  return ["npm run bench --", basename(process.argv[1], ".mjs"), ...shown].join(" ");
};
const isPath = (flag) => flag === "--python" || flag === "--out";

/** Appends a result as one line of JSON to the file that `--out` names. */
export function record({ out }, result, versions = {}) {
  if (out === undefined) return;
  const question = basename(process.argv[1], ".mjs");
  const line = { question, date: new Date().toISOString(), command: command(), ...result };
  appendFileSync(out, `${JSON.stringify({ ...line, machine: { ...machine(), ...versions } })}\n`);
}

/** Prints rows of texts below a head, columns aligned. */
export function printTable(head, rows) {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => String(row[i]).length)));
  const print = (row) =>
    console.log(
      row.map((cell, i) => (i === 0 ? String(cell).padEnd(widths[i]) : String(cell).padStart(widths[i]))).join("  "),
    );
  print(head);
  print(widths.map((width) => "-".repeat(width)));
  rows.forEach(print);
}

/** A spread as text: `1.31 (1.28–1.35)`. */
export const show = ({ median, min, max }, digits = 2) =>
  `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
