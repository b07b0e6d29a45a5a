// Writes the tables of README.md in this folder, and the figures, from the lines of the comparisons:
//
//   node results/tables.mjs
//
// A text is marked by <!-- results: NAME --> and <!-- end -->, and what stands between is replaced. A test fails where a
// text or a figure is not what the lines give.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { figureFile } from "../dist/report/figure.js";
import { parseMethods } from "../dist/suite/method-choice.js";
import { comparisonParts } from "../dist/suite/parts.js";
import { isFinished, parseResults } from "../dist/suite/result.js";
import { suites } from "./suites.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path) => readFileSync(join(root, path), "utf8");

/** The finished trials of a comparison, and what its tables are made of: the tasks that all of its methods have done. */
function materialOf(name) {
  const path = `results/${name}/results.jsonl`;
  const all = existsSync(join(root, path)) ? [...parseResults(read(path), path).values()].filter(isFinished) : [];
  const [words] = suites[name].commands("DATA");
  const [methods, seeds] = ["--methods", "--seeds"].map((flag) => words[words.indexOf(flag) + 1]);
  const labels = parseMethods(methods).map(({ label }) => label);
  const lines = all.filter(({ role }) => role === "result");
  const isDone = (task) =>
    labels.every(
      (label) => lines.filter((line) => line.task === task && line.method === label).length === seeds.split(",").length,
    );
  const tasks = [...new Set(lines.map(({ task }) => task))].filter(isDone);
  return {
    trials: all.length,
    searched: all.filter(({ seed }) => seed === Number(seeds.split(",")[0])),
    material: {
      lines: lines.filter(({ task }) => tasks.includes(task)),
      tasks,
      methods: labels,
      groupOf: () => "tasks",
    },
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

/** The texts of a comparison by their names, and its figures. */
function partsOf(name) {
  const { trials, searched, material } = materialOf(name);
  const parts = material.tasks.length > 0 ? comparisonParts(material, searched) : [];
  const tables = parts.flatMap(({ id, table }) => (table ? [[`${name} ${id}`, markdown(table)]] : []));
  const progress = `${trials} trials are finished; tables come with the first task that all methods have done.`;
  return {
    pieces: { ...Object.fromEntries(tables), [`${name} commands`]: commandsOf(name), [`${name} progress`]: progress },
    figures: parts.flatMap(({ id, figure }) => (figure ? [[`results/${name}/${id}.svg`, figureFile(figure)]] : [])),
  };
}

/** Every file that is made of results, with its text as it should be. */
export function generated() {
  const all = Object.keys(suites).map(partsOf);
  const pieces = Object.assign({}, ...all.map((one) => one.pieces));
  const fill = (text) =>
    text.replace(/(<!-- results: (.+?) -->\n)[\s\S]*?(<!-- end -->)/g, (_, open, name, close) => {
      if (!Object.hasOwn(pieces, name)) throw new Error(`there is no piece of results ${name}`);
      return `${open}${pieces[name]}\n${close}`;
    });
  const texts = ["results/README.md"].map((path) => [path, fill(read(path))]);
  return [...texts, ...all.flatMap(({ figures }) => figures)];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of generated()) {
    writeFileSync(join(root, `${path}.new`), text);
    renameSync(join(root, `${path}.new`), join(root, path));
    console.log(path);
  }
}
