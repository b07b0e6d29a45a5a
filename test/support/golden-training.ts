import { adamW, type Tensor, tensor, tensorOf, toNumbers } from "../../src/graph/index.js";
import { methodOf } from "../../src/methods/index.js";
import type { Executor, Feed } from "../../src/run/executor.js";
import { type TrainingStep, trainingStep } from "../../src/train/step.js";
import { readCheckpoint } from "../../src/vit/checkpoint.js";
import { parseConfig } from "../../src/vit/config.js";
import { type Golden, readGolden } from "../golden/vit/read.js";

/** A training recorded by PyTorch in double precision, and the step that must repeat it. */
export interface GoldenTraining {
  readonly golden: Golden;
  readonly step: TrainingStep;
  readonly lr: number;
  readonly weights: (name: string) => Tensor;
  readonly batch: Readonly<Record<string, Tensor>>;
}

interface Settings {
  readonly config: object;
  readonly sas: {
    readonly form: string;
    readonly rank: number;
    readonly embedding: number;
    readonly hidden: number;
    readonly alpha: number;
    readonly clip: number;
    readonly smoothing: number;
  };
  readonly optimizer: { readonly lr: number; readonly headLr: number; readonly weightDecay: number };
}

/** Opens one of `test/golden/vit/sas-*`; `microBatch` images per run, by default the whole batch. */
export async function goldenTraining(
  name: string,
  dtype: "float32" | "float64",
  microBatch?: number,
): Promise<GoldenTraining> {
  const golden = await readGolden(name);
  const { config, sas, optimizer } = golden.settings as unknown as Settings;
  const backbone = new Map(
    [...golden.tensors].filter(([key]) => !key.includes("/") && !/^(labels|pixels|logits|losses|norms)$/.test(key)),
  );
  const { architecture: found, contract } = readCheckpoint(backbone, parseConfig(JSON.stringify(config), name), name);
  const classes = golden.get("init/head.bias").shape[0] as number;
  const architecture = { ...found, classes };
  const { clip, smoothing, ...options } = sas;
  const method = methodOf("sas");
  const labels = Array.from(toNumbers(golden.get("labels")));
  const size = labels.length;
  const rule = adamW();
  const step = trainingStep({
    architecture,
    normalization: contract,
    method,
    methodOptions: method.resolve(architecture, options),
    microBatch: microBatch ?? size,
    optimizerOf: () => rule,
    groups: (group) => ({ rate: group === "head" ? optimizer.headLr / optimizer.lr : 1, decay: optimizer.weightDecay }),
    clip,
    dtype,
  });
  const targets = labels.flatMap((label) =>
    Array.from({ length: classes }, (_, c) => smoothing / classes + (c === label ? 1 - smoothing : 0)),
  );
  return {
    golden,
    step,
    lr: optimizer.lr,
    weights: (key) => as(dtype, backbone.get(key) as Tensor),
    batch: {
      images: golden.get("pixels"),
      targets: tensorOf(dtype, [size, classes], targets),
      weights: tensorOf(dtype, [size], new Array(size).fill(1 / size)),
    },
  };
}

/** The same numbers in another float type. */
export const as = (dtype: "float32" | "float64", t: Tensor): Tensor => tensorOf(dtype, t.shape, toNumbers(t));

/** Rows `from` to `to` of a tensor. */
function rows(t: Tensor, from: number, to: number): Tensor {
  const stride = t.data.length / (t.shape[0] as number);
  return tensor(t.dtype, t.shape.with(0, to - from), t.data.slice(from * stride, to * stride) as never);
}

/** Trains for some steps from the recorded start; returns the last parameters, and of each step loss, norm and sums. */
export async function repeat(
  { golden, step, lr, weights, batch }: GoldenTraining,
  executor: Executor,
  dtype: "float32" | "float64",
  count: number,
) {
  const accumulate = await executor.load(step.accumulate, weights);
  const update = await executor.load(step.update);
  let parameters: Record<string, Tensor> = Object.fromEntries(
    [...golden.below("init/")].map(([key, t]) => [key, as(dtype, t)]),
  );
  let state = step.initialState();
  const history: { loss: number; norm: number; sums: Record<string, Tensor> }[] = [];
  const size = (batch.images as Tensor).shape[0] as number;
  for (let i = 0; i < count; i++) {
    let sums: Record<string, Tensor> = step.zeroSums();
    let loss = 0;
    for (let at = 0; at < size; at += step.microBatch) {
      const part = Object.fromEntries(
        Object.entries(batch).map(([key, t]) => [key, rows(t, at, at + step.microBatch)]),
      );
      const result = await accumulate.run({ ...parameters, ...sums, ...part } as Record<string, Feed>);
      loss += Number((result.loss as Tensor).data[0]);
      sums = Object.fromEntries(Object.keys(sums).map((key) => [key, result[`next/${key}`] as Tensor]));
    }
    const result = await update.run({ ...parameters, ...sums, ...state, lr: tensorOf(dtype, [], [lr]) });
    history.push({ loss, norm: Number((result.gradientNorm as Tensor).data[0]), sums });
    parameters = Object.fromEntries(Object.keys(parameters).map((key) => [key, result[`next/${key}`] as Tensor]));
    state = Object.fromEntries(Object.keys(state).map((key) => [key, result[`next/${key}`] as Tensor]));
  }
  await accumulate.close();
  await update.close();
  return { parameters, history };
}
