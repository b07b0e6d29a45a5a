import { stream } from "../../src/data/random.js";
import { evaluateLogits } from "../../src/evaluate/metrics.js";
import { predictionsOf } from "../../src/evaluate/predictions.js";
import type { MetricsLine, Run } from "../../src/report/run.js";
import { parseConfig } from "../../src/train/config.js";

/** A run over made-up logits: `right` is how strongly the right class speaks. */
export function makeRun(classes: number, count: number, { right = 3, name = (i: number) => `class ${i}` } = {}): Run {
  const noise = stream(1, "report", classes);
  const labels = Int32Array.from({ length: count }, (_, i) => i % classes);
  const logits = Float32Array.from({ length: count * classes }, (_, at) => {
    const own = at % classes === labels[Math.floor(at / classes)];
    return noise.normal() + (own ? right : 0);
  });
  const test = evaluateLogits(logits, labels, classes);
  const lines: MetricsLine[] = [1, 2, 3].flatMap((epoch): MetricsLine[] => [
    ...[1, 2, 3, 4].map((step) => ({
      event: "step" as const,
      epoch,
      step,
      loss: 1 / step,
      top1: 0.5,
      lr: 1e-3,
      gradientNorm: step,
    })),
    { event: "epoch", epoch, train: { loss: 1, top1: 0.6 }, val: { ...test, top1: 0.1 * epoch }, isBest: true },
  ]);
  const account = { trainable: 2352, head: 1930, total: 5_496_048, share: 2352 / 5_496_048 };
  return {
    name: "flowers",
    config: parseConfig({ backbone: "weights/vit", data: "/home/jane/flowers", out: "runs/flowers" }, "test"),
    facts: { version: "0.1.0", engine: "onnxruntime", data: "d1gest" },
    account,
    tensors: [{ name: "head.weight", shape: [10, 192] }],
    classes: Array.from({ length: classes }, (_, i) => name(i)),
    images: { train: 800, val: 200, test: count },
    lines,
    result: {
      ...{ event: "done", method: "sas", ...account, val: { ...test, top1: 0.3 }, test, best: null },
      ...{ epochs: 3, epochsDone: 3, imagesPerSecond: 25, adapter: "x", seconds: 100, options: { rank: 8 } },
      ...{ architecture: "vit_tiny_patch16_224", batchSize: 32, lr: 1e-3, headLr: 1e-3, seed: 0, device: "cpu" },
      ...{ version: "0.1.0", engine: "onnxruntime", threads: 2, lanes: 1, microBatch: 32, backbone: "b", data: "d" },
    },
    predictions: [...predictionsOf("test", { logits, labels }, (i) => `test/${name(labels[i] as number)}/${i}.jpg`)],
  };
}
