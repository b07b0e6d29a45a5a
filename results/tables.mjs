// Writes the tables in the texts below, and the figures, from the lines of the comparisons:
//
//   node results/tables.mjs
//
// A piece of a text is marked by <!-- results: COMPARISON PIECE --> and <!-- end -->, and what stands between is replaced.
// A test fails where a text or a figure is not what the lines give.
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { methodOf } from "../dist/methods/index.js";
import { figureFile } from "../dist/report/figure.js";
import { questionsOf } from "../dist/suite/ablation.js";
import { ablationParts } from "../dist/suite/ablation-parts.js";
import { cellsOf, pickBest } from "../dist/suite/cell.js";
import { domainParts } from "../dist/suite/domain-parts.js";
import { fewShotParts, shotTask } from "../dist/suite/few-shot-parts.js";
import { parseMethods } from "../dist/suite/method-choice.js";
import { choicesPart, comparisonParts, countCell, differencesPart, figureCell } from "../dist/suite/parts.js";
import { hasDiverged } from "../dist/suite/result.js";
import { meanOf, spreadOf } from "../dist/suite/statistics.js";
import { tableOf } from "../dist/suite/table.js";
import { canonicalJson, decidingKeys } from "../dist/suite/trial.js";
import { forMethod } from "../dist/train/config.js";
import { resolveOptions } from "../dist/train/options.js";
import { architectureOf } from "../dist/vit/architecture.js";
import { fileOf, isScored, published, readLines, write } from "./lines.mjs";
import { searched, suites, usualSeeds, wordsOf } from "./suites.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path) => readFileSync(join(root, path), "utf8");

/** Texts with pieces of results. */
const texts = ["results/README.md", "README.md", "docs/guides/numbers.md", "docs/method.md"];
const architectures = { "sas-mini": "vit_sas_mini_patch8_64" };

const keyOf = ({ task, architecture, config }) => canonicalJson([task, architecture, config]);

/** Every finished trial, by the settings that decide it. */
const trials = new Map();
for (const name of published()) {
  for (const line of readLines(fileOf(name)).values()) {
    const key = keyOf(line);
    if (trials.has(key))
      throw new Error(
        `${fileOf(name)}: trial ${line.trial} is that of ${trials.get(key).trial}, with other data or versions`,
      );
    trials.set(key, line);
  }
}

/** The tasks, methods and cells of a comparison, with the lines that there are. */
function linesOf({
  tasks: named,
  shots,
  methods: listed,
  questions: asked,
  seeds = usualSeeds,
  rates = [],
  config,
  backbone,
}) {
  const architecture = architectures[backbone] ?? "vit_tiny_patch16_224";
  const network = architectureOf(architecture);
  const questions = asked && questionsOf(network, asked);
  const all = questions ? questions.flatMap(({ methods }) => methods) : parseMethods(listed);
  const methods = [...new Map(all.map((method) => [method.label, method])).values()];
  const tasks = Object.entries(named).flatMap(([name, data]) =>
    shots ? shots.map((count) => ({ name: shotTask(name, count), data, shots: count })) : [{ name, data }],
  );
  const lineOf = ({ task, method }, { options: given, ...rate }, seed) => {
    const options = resolveOptions(methodOf(method.method), network, given);
    const shotsOf = task.shots !== undefined && { shots: task.shots };
    const own = forMethod({
      ...config,
      data: "-",
      backbone: "-",
      method: method.method,
      options,
      seed,
      ...rate,
      ...shotsOf,
    });
    const line = trials.get(keyOf({ task: task.name, architecture, config: decidingKeys(own) }));
    return line && { ...line, method: nameOf(method) };
  };
  const cells = cellsOf({ tasks, methods, seeds, rates }, ({ method }) => method === "linear").map((cell) => {
    const searched = cell.candidates.map((candidate) => lineOf(cell, candidate, seeds[0]));
    if (searched.includes(undefined)) return { cell, searched, lines: [], isDone: false };
    const chosen = cell.candidates[pickBest(searched) ?? 0];
    const lines = seeds.map((seed) => lineOf(cell, chosen, seed));
    return { cell, searched, lines, isDone: lines.every(isScored) };
  });
  return { questions, tasks, methods, cells };
}

/** A method in a table: without the rate, which others show. */
const nameOf = ({ label }) => label.replace(/:lr=[^,]*,/, ":").replace(/[:,]lr=[^,]*/, "");

/** What the parts of a comparison are made of: the tasks that all of its methods have done. */
function materialOf(suite) {
  const { questions, tasks, methods, cells } = linesOf(suite);
  const isDone = ({ name }) => cells.every(({ cell, isDone }) => cell.task.name !== name || isDone);
  const done = tasks.filter(isDone);
  const shown = cells.filter(({ cell }) => done.includes(cell.task));
  return {
    questions,
    tasks: done,
    searched: shown.flatMap(({ searched }) => (searched.length > 1 ? searched : [])),
    material: {
      lines: shown.flatMap(({ lines }) => lines),
      tasks: done.map(({ name }) => name),
      methods: methods.map(nameOf),
      groupOf: () => "tasks",
    },
    progress: `${cells.filter(({ isDone }) => isDone).length} of ${cells.length} cells, a method on a task each, are done.`,
  };
}

/** Which settings the tasks of the search chose together. @throws Error where suites.mjs has taken another */
function searchParts() {
  const { tasks, cells } = linesOf(suites.search);
  const together = tasks.map(({ name }) => name).join(" + ");
  const found = Object.entries(searched).map(([label, taken]) => {
    const own = cells.filter(({ cell }) => cell.method.label === label);
    const { candidates, method } = own[0].cell;
    if (own.some((cell) => cell.searched.includes(undefined)))
      throw new Error(`suites.mjs: ${label} was not searched yet`);
    const lines = candidates.map((_, i) => {
      const of = own.map((cell) => cell.searched[i]);
      const diverged = of.find(hasDiverged);
      if (diverged) return { ...diverged, task: together };
      const mean = (key) => of.reduce((sum, { val }) => sum + val[key] / of.length, 0);
      return { ...of[0], task: together, val: { top1: mean("top1"), nll: mean("nll") } };
    });
    const best = pickBest(lines);
    const setting = linesOf({ ...suites.methods, methods: taken }).cells[0].cell.candidates[0];
    if (canonicalJson(setting) !== canonicalJson(candidates[best])) {
      throw new Error(`suites.mjs: the search chose ${canonicalJson(candidates[best])} for ${label}, not ${taken}`);
    }
    return { name: nameOf(method), lines, chosen: lines[best] };
  });
  const material = {
    lines: found.map(({ chosen }) => chosen),
    tasks: [together],
    methods: found.map(({ name }) => name),
  };
  return [
    choicesPart(
      found.flatMap(({ lines }) => lines),
      material,
    ),
  ];
}

/** One table for a text: a method with its size, its mean, and every task. */
const summaryOf = (material) => ({
  id: "summary",
  table: {
    head: ["method", "parameters", "mean", ...material.tasks],
    rows: tableOf(material.lines, material).map(({ method, trainable, taskMean, fields }) => [
      method,
      countCell(trainable),
      figureCell(taskMean),
      ...material.tasks.map((task) => figureCell(fields.get(task)?.last)),
    ]),
  },
});

/** The variants of the ablation once each, by the images that chose their rates and by those that chose nothing. */
function variantsOf({ lines, methods, tasks }) {
  const over = (own, score) => {
    const seeds = [...new Set(own.map(({ seed }) => seed))];
    return figureCell(spreadOf(seeds.map((seed) => meanOf(own.filter((line) => line.seed === seed).map(score)))));
  };
  return {
    id: "variants",
    table: {
      head: ["variant", "parameters", "validation", "test"],
      rows: methods.map((method) => {
        const own = lines.filter((line) => line.method === method && tasks.includes(line.task));
        return [
          method,
          countCell(own[0].trainable),
          over(own, ({ val }) => val.top1),
          over(own, ({ scores }) => scores.test.last.top1),
        ];
      }),
    },
  };
}

/** Differences of all but the linear head to one of the others. */
function against(base, { lines, tasks, ...material }) {
  const rows = tableOf(lines, { tasks, ...material });
  const [first, ...others] = [base, ...material.methods.filter((method) => method !== base && method !== "linear")].map(
    (method) => rows.find((row) => row.method === method),
  );
  return first ? [{ ...differencesPart([first, ...others], tasks), id: `differences-${base}` }] : [];
}

const partsOf = {
  run: ({ material, searched }) => [
    summaryOf(material),
    ...comparisonParts(material, searched),
    ...against("lora", material),
    ...against("ssf", material),
  ],
  "few-shot": ({ material, searched, tasks }) => fewShotParts(material, searched, tasks),
  "domain-generalization": ({ material, searched, tasks }, { targets }) =>
    domainParts(material, searched, tasks[0].name, Object.keys(targets)),
  ablation: ({ material, searched, questions }) => [
    variantsOf(material),
    ...ablationParts(material, searched, questions),
  ],
};

const textOf = (cell) => (typeof cell === "string" ? cell : cell.text);
const row = (cells) => `| ${cells.map((cell) => textOf(cell).replaceAll("|", "\\|")).join(" | ")} |`;

/** A table as Markdown; the first column and those of words stand to the left. */
const markdown = ({ head, rows, words = [] }) =>
  [row(head), row(head.map((_, i) => (i === 0 || words.includes(i) ? "---" : "---:"))), ...rows.map(row)].join("\n");

/** What a comparison gives for texts, by the name of the piece, and its figures. */
function publish(name) {
  const suite = suites[name];
  const found = materialOf(suite);
  const ready = () => (found.tasks.length > 0 ? partsOf[suite.suite](found, suite) : []);
  const parts = name === "search" ? searchParts() : ready();
  const command = `sas-petl suite ${wordsOf(suite, "DATA", "VIT_TINY").join(" ")} --out OUT`;
  const pieces = new Map([
    ...parts.flatMap(({ id, table }) => (table ? [[id, markdown(table)]] : [])),
    ["command", `\`\`\`console\n${command}\n\`\`\``],
    ["progress", found.progress],
  ]);
  return {
    // Before the first task is done there is nothing but how far it is.
    pieceOf: (id) => pieces.get(id) ?? (parts.length === 0 ? found.progress : undefined),
    figures: parts.flatMap(({ id, figure }) => (figure ? [[`results/${name}/${id}.svg`, figureFile(figure)]] : [])),
  };
}

/** Every file that is made of results, with its text as it should be. */
export function generated() {
  const all = new Map(Object.keys(suites).map((name) => [name, publish(name)]));
  // A text names a figure from where it stands itself.
  const isShown = (figure) => texts.some((path) => read(path).includes(`(${relative(dirname(path), figure)})`));
  const fill = (text, path) => {
    const [opened, closed] = ["<!-- results: ", "<!-- end -->"].map((mark) => text.split(mark).length);
    if (opened !== closed) throw new Error(`${path}: a piece of results has no end, or an end no piece`);
    return text.replace(/(<!-- results: (.*?) ?(\S*) -->\n)[\s\S]*?(<!-- end -->)/g, (_, open, name, id, close) => {
      const piece = all.get(name)?.pieceOf(id);
      if (piece === undefined) throw new Error(`there is no piece ${id} of ${name}`);
      return `${open}${piece}\n${close}`;
    });
  };
  return [
    ...texts.map((path) => [path, fill(read(path), path)]),
    ...[...all.values()].flatMap(({ figures }) => figures).filter(([path]) => isShown(path)),
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of generated()) {
    write(join(root, path), text);
    console.log(path);
  }
}
