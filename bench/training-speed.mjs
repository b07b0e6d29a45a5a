// How fast is a training step, against bare MatMul and against PyTorch, and in how much memory?
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { architectureOf } from "../dist/vit/architecture.js";
import { linearShapes, trainedFlops } from "./flops.mjs";
import { temporaryFolder, writeRandomBackbone } from "./material.mjs";
import { interleave, progress, ratio, spread, startOwn, startProcess } from "./measure.mjs";
import { parseOptions } from "./options.mjs";
import { printTable, record, show } from "./report.mjs";

const options = parseOptions(process.argv.slice(2));
const { models, imageSize, batch, threads, rounds, python } = options;
const torchSizes = [...new Set([1, 2, 8, 32].map((size) => Math.min(size, batch)))];
const folder = temporaryFolder();

/** Peak memory of a new process after one batch, in MiB. */
async function peakOf(start, request) {
  const process = await start();
  const { peakMiB } = await process.ask(request);
  await process.close();
  return peakMiB;
}

/** PyTorch's fastest micro-batch, by the faster of two batches with each. */
async function fastestOf(torch) {
  const tried = {};
  for (const microBatch of torchSizes) {
    progress(`PyTorch, batch ${microBatch}`);
    const times = [await torch.ask({ microBatch }), await torch.ask({ microBatch })].map(({ ms }) => ms);
    tried[microBatch] = (1000 * batch) / Math.min(...times);
  }
  return { tried, microBatch: torchSizes.reduce((best, size) => (tried[size] > tried[best] ? size : best)) };
}

async function measure(name) {
  progress(name);
  const backbone = join(folder, name);
  writeRandomBackbone(name, backbone);
  const architecture = { ...architectureOf(name), imageSize: [imageSize, imageSize] };
  const startOurs = () => startOwn("./sas-process.mjs", { backbone, imageSize, batch, threads });
  const result = { model: name, imageSize, batch, threads, rounds, peakMiB: await peakOf(startOurs) };

  const ours = await startOurs();
  const { lanes, microBatch, options: method, trained } = ours.ready;
  const matmul = await startOwn("./matmul-process.mjs", {
    shapes: linearShapes(architecture),
    rows: 2048,
    threads,
    seconds: 0.5,
  });
  const { width, blocks, heads, patchSize } = architecture;
  const shape = { width, blocks, heads, patchSize, rank: method.rank, embedding: method.embedding };
  const script = fileURLToPath(new URL("./pytorch_step.py", import.meta.url));
  const startTorch = () => startProcess(python, [script, JSON.stringify({ ...shape, imageSize, batch, threads })]);
  const torch = python && (await startTorch());
  if (torch && torch.ready.trained !== trained) {
    throw new Error(`PyTorch trains ${torch.ready.trained} numbers, we train ${trained}: not the same step`);
  }
  const fastest = torch && (await fastestOf(torch));
  await ours.ask();
  await matmul.ask();
  const found = await interleave(rounds, {
    ours: () => ours.ask(),
    ...(torch && { torch: () => torch.ask({ microBatch: fastest.microBatch }) }),
    matmul: () => matmul.ask(),
  });
  for (const process of [ours, matmul, torch]) await process?.close();

  const speed = found.ours.map(({ ms }) => (1000 * batch) / ms);
  const gflops = speed.map((images) => (images * trainedFlops(architecture)) / 1e9);
  const best = found.matmul.map((byShape) => Math.max(...Object.values(byShape)));
  Object.assign(result, { lanes, microBatch, imagesPerSecond: spread(speed), gflops: spread(gflops) });
  Object.assign(result, { matmulGflops: spread(best), ofMatmul: ratio(gflops, best) });
  if (torch) {
    const theirs = found.torch.map(({ ms }) => (1000 * batch) / ms);
    progress("PyTorch's memory");
    result.torch = {
      ...fastest,
      imagesPerSecond: spread(theirs),
      speedup: ratio(speed, theirs),
      peakMiB: await peakOf(startTorch, { microBatch: batch }),
      peakMiBAtFastest: await peakOf(startTorch, { microBatch: fastest.microBatch }),
    };
  }
  record(options, result, torch && { torch: torch.ready.torch, python: torch.ready.python });
  progress("");
  return result;
}

const rows = [];
for (const name of models) {
  const { torch, ...r } = await measure(name);
  const theirs = torch
    ? [
        show(torch.imagesPerSecond, 1),
        torch.microBatch,
        show(torch.speedup),
        `${torch.peakMiB.toFixed()} / ${torch.peakMiBAtFastest.toFixed()}`,
      ]
    : ["-", "-", "-", "-"];
  const ours = [
    show(r.imagesPerSecond, 1),
    `${r.lanes} x ${r.microBatch}`,
    show(r.gflops, 0),
    show(r.matmulGflops, 0),
    show(r.ofMatmul),
  ];
  rows.push([name, ...ours, r.peakMiB.toFixed(), ...theirs]);
}
const ourHead = ["images/s", "at", "GFLOP/s", "MatMul", "of MatMul", "peak MiB"];
printTable(["model", ...ourHead, "PyTorch images/s", "at", "ours / PyTorch", "peak MiB at 32 / fastest"], rows);
