// Runs in a process of its own, as transformers.js brings its own ONNX Runtime: probabilities of images as JSON.
import { basename, dirname } from "node:path";
import { env, pipeline } from "@huggingface/transformers";

const [folder, ...files] = process.argv.slice(2);
env.allowRemoteModels = false;
env.allowLocalModels = true;
env.localModelPath = `${dirname(folder)}/`;
globalThis.fetch = () => {
  throw new Error("no network");
};
const classify = await pipeline("image-classification", basename(folder));
const found = [];
for (const file of files) {
  const scores = await classify(file, { top_k: 10_000 });
  found.push(Object.fromEntries(scores.map(({ label, score }) => [label, score])));
}
console.log(JSON.stringify(found));
