// npm run bench [-- names… options]: asks the questions of this folder one after the other, each in a process of its
// own so that none inherits the memory of another.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseOptions } from "./options.mjs";

const questions = {
  "training-speed": "How fast is a training step, against bare MatMul and against PyTorch, and in how much memory?",
  "micro-batch": "Which division into lanes and micro-batches is fastest?",
  memory: "Is the estimate of a training's memory right?",
  forecast: "Is the time that train --dry-run tells right?",
  "data-pipeline": "Do image files keep up with a batch in memory?",
  "start-up": "How long until the help is printed, and until the first micro-batch begins?",
};

const { names, help } = parseOptions(process.argv.slice(2), Object.keys(questions));
if (help) {
  console.log("npm run bench [-- names… options]; without names all questions are asked, in this order:\n");
  for (const [name, question] of Object.entries(questions)) console.log(`  ${name.padEnd(16)}${question}`);
  console.log("\nbench/NOTES.md explains the options and the words of the tables.");
} else {
  const flags = process.argv.slice(2).filter((word) => !names.includes(word));
  for (const name of names.length > 0 ? names : Object.keys(questions)) {
    console.log(`\n${name}: ${questions[name]}`);
    const file = fileURLToPath(new URL(`./${name}.mjs`, import.meta.url));
    const [code] = await once(spawn(process.execPath, [file, ...flags], { stdio: "inherit" }), "exit");
    if (code !== 0) process.exitCode = code ?? 1;
    if (code === null || code === 130) break;
  }
}
