// Writes the tables of README.md and docs/guides/numbers.md and the figures from the lines in this folder:
//
//   node results/tables.mjs
//
// A text is marked by <!-- results: NAME --> and <!-- end -->, and what stands between is replaced. A test fails where a
// text or a figure is not what the lines give.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { figureFile } from "../dist/report/figure.js";
import { comparisonParts, countCell, figureCell } from "../dist/suite/parts.js";
import { isFinished, parseResults } from "../dist/suite/result.js";
import { tableOf } from "../dist/suite/table.js";
import { suites } from "./suites.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path) => readFileSync(join(root, path), "utf8");

/** The finished trials of a comparison, and what its tables are made of: the tasks that all of its methods have done. */
function materialOf(name) {
  const path = `results/${name}/results.jsonl`;
  const all = existsSync(join(root, path)) ? [...parseResults(read(path), path).values()].filter(isFinished) : [];
  const lines = all.filter(({ role }) => role === "result");
  const methods = [...new Set(lines.map(({ method }) => method))];
  const tasks = [...new Set(lines.map(({ task }) => task))];
  const seedsOf = (task, method) => lines.filter((line) => line.task === task && line.method === method).length;
  const most = Math.max(...tasks.flatMap((task) => methods.map((method) => seedsOf(task, method))));
  const done = tasks.filter((task) => methods.every((method) => seedsOf(task, method) === most));
  return {
    all,
    material: { lines: lines.filter(({ task }) => done.includes(task)), tasks: done, methods, groupOf: () => "tasks" },
  };
}

const textOf = (cell) => (typeof cell === "string" ? cell : cell.text);
const row = (cells) => `| ${cells.map((cell) => textOf(cell).replaceAll("|", "\\|")).join(" | ")} |`;

/** A table as Markdown; the first column and those of words stand to the left. */
const markdown = ({ head, rows, words = [] }) =>
  [row(head), row(head.map((_, i) => (i === 0 || words.includes(i) ? "---" : "---:"))), ...rows.map(row)].join("\n");

/** The commands of a comparison, without the places of a machine. */
const commandsOf = (name) =>
  [
    "```console",
    ...suites[name]
      .commands("DATA")
      .map(
        (words) =>
          `sas-petl suite ${[...words, ...(words.includes("--backbone") ? [] : ["--backbone", "VIT_TINY"])].join(" ")} --out OUT`,
      ),
    "```",
  ].join("\n");

/** Every file that is made of results, with its text as it should be. */
export function generated() {
  const { all, material } = materialOf("comparison");
  const parts = comparisonParts(material, all);
  const pieces = { "comparison commands": commandsOf("comparison") };
  for (const { id, table } of parts) if (table) pieces[`comparison ${id}`] = markdown(table);
  pieces["comparison short"] = markdown({
    head: ["method", "trained parameters", ...material.tasks, "mean"],
    rows: tableOf(material.lines, material).map(({ method, trainable, fields, taskMean }) => [
      `\`${method}\``,
      countCell(trainable),
      ...material.tasks.map((task) => figureCell(fields.get(task)?.last)),
      figureCell(taskMean),
    ]),
  });
  const fill = (text) =>
    text.replace(/(<!-- results: (.+?) -->\n)[\s\S]*?(<!-- end -->)/g, (_, open, name, close) => {
      if (!Object.hasOwn(pieces, name)) throw new Error(`there is no piece of results ${name}`);
      return `${open}${pieces[name]}\n${close}`;
    });
  const texts = ["README.md", "docs/guides/numbers.md"].map((path) => [path, fill(read(path))]);
  const figures = parts.flatMap(({ id, figure }) =>
    figure ? [[`results/comparison/${id}.svg`, figureFile(figure)]] : [],
  );
  return [...texts, ...figures];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of generated()) {
    writeFileSync(join(root, `${path}.new`), text);
    renameSync(join(root, `${path}.new`), join(root, path));
    console.log(path);
  }
}
