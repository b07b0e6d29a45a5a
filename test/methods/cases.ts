import * as ort from "onnxruntime-node";
import { adaptedPredictor } from "../../src/adapter/predictor.js";
import { stream } from "../../src/data/random.js";
import { adamW, elementCount, type Tensor, tensor, tensorOf } from "../../src/graph/index.js";
import { type AnyMethod, methodOf } from "../../src/methods/index.js";
import { linear } from "../../src/methods/linear.js";
import type { SasOptions } from "../../src/methods/sas.js";
import type { Executor } from "../../src/run/executor.js";
import { OrtExecutor } from "../../src/run/ort.js";
import { type StepOptions, type TrainingStep, trainingStep } from "../../src/train/step.js";
import { type Architecture, customArchitecture, parametersOf } from "../../src/vit/architecture.js";

/** Every size is another number, so that a tensor's shape says what it is. */
export const tiny: Architecture = customArchitecture({
  imageSize: [8, 12],
  patchSize: 4,
  width: 12,
  hidden: 20,
  blocks: 3,
  heads: 3,
  classes: 5,
});

export const batch = 2;
export const normalization = { mean: [0.4, 0.5, 0.6], std: [0.2, 0.3, 0.4] };

/** One entry of the table of methods, with options to hold it against the laws. */
export interface Case {
  readonly title: string;
  readonly method: AnyMethod;
  readonly options: Readonly<Record<string, unknown>>;
}

const sasOptions: readonly Partial<SasOptions>[] = [
  {},
  { form: "low-rank", rank: 3, embedding: 2 },
  { form: "affine", rank: 2, embedding: 4 },
  { form: "core", rank: 3, embedding: 2 },
  { form: "low-rank", rank: 2, embedding: 2, hidden: 4, alpha: 0.5 },
  { form: "affine", rank: 1, embedding: 3, hidden: 4, alpha: -2 },
  { form: "core", rank: 2, embedding: 3, hidden: 4, alpha: 3 },
  { form: "low-rank", rank: 2, embedding: 3, sites: ["attn"] },
  { form: "affine", rank: 2, embedding: 3, sites: ["mlp"] },
  { form: "core", rank: 2, embedding: 3, sites: ["mlp"] },
  { rank: 4, specific: false, alpha: 2 },
  { form: "core", rank: 4, specific: false },
  { form: "low-rank", embedding: 2, shared: false },
  { form: "affine", embedding: 2, shared: false, hidden: 3 },
];

const otherOptions: readonly { readonly name: string; readonly given: Readonly<Record<string, unknown>> }[] = [
  { name: "linear", given: {} },
  { name: "full", given: {} },
  { name: "bitfit", given: {} },
  { name: "layer-norm", given: {} },
  { name: "lora", given: {} },
  { name: "lora", given: { rank: 3, alpha: 6, targets: ["v", "q"] } },
  { name: "lora", given: { rank: 2, alpha: 2, targets: ["k", "proj", "fc1", "fc2"] } },
  { name: "lora", given: { rank: 3, alpha: 6, targets: ["v", "q", "fc1", "fc2"], bias: true } },
  { name: "vera", given: { rank: 7 } },
  { name: "vera", given: { rank: 5, seed: 3, start: 0.5, targets: ["k", "proj"] } },
  { name: "ssf", given: {} },
  { name: "ssf", given: { sites: ["norm"] } },
  { name: "ssf", given: { sites: ["mlp", "embed"] } },
  { name: "fact-tt", given: { rank: 4, scale: 0.5 } },
  { name: "fact-tk", given: { rank: 3 } },
  { name: "arc", given: { rank: 5 } },
  { name: "adapter", given: { rank: 5 } },
  { name: "adapter", given: { rank: 3, sites: ["attn", "mlp"] } },
  { name: "adaptformer", given: { rank: 5, scale: 0.5 } },
  { name: "vpt-shallow", given: { prompts: 4 } },
  { name: "vpt-deep", given: { prompts: 2 } },
  { name: "rlrr", given: {} },
  { name: "rep-adapter", given: { rank: 4 } },
  { name: "rep-adapter", given: { rank: 6, groups: 3, scale: 0.5 } },
  { name: "convpass", given: { rank: 5, scale: 2 } },
];

/** Every method of the table with every set of options, resolved for an architecture. */
export const casesFor = (a: Architecture): readonly Case[] =>
  [...otherOptions, ...sasOptions.map((given) => ({ name: "sas", given }))].map(({ name, given }) => {
    const method = methodOf(name);
    return { title: `${name} ${JSON.stringify(given)}`, method, options: method.resolve(a, given) };
  });

export const cases: readonly Case[] = casesFor(tiny);

/** Random numbers in a tensor; the same for the same seed and name. */
export const randomTensor = (seed: number, name: string, shape: readonly number[]): Tensor => {
  const { normal } = stream(seed, name);
  return tensorOf(
    "float32",
    shape,
    Float64Array.from({ length: elementCount(shape) }, () => 0.3 * normal()),
  );
};

/** A frozen network none of whose tensors is zero, head included. */
export function randomBackbone(a: Architecture): (name: string) => Tensor {
  const tensors = new Map(parametersOf(a).map(({ name, shape }) => [name, randomTensor(1, name, shape)]));
  return (name) => tensors.get(name) as Tensor;
}

/** Values of all trained tensors far from the start, head included. */
export const randomAdapter = (a: Architecture, { method, options }: Case): Record<string, Tensor> =>
  Object.fromEntries(
    [...method.parameters(a, options), ...parametersOf(a).filter(({ name }) => name.startsWith("head."))].map(
      ({ name, shape }) => [name, randomTensor(2, name, shape)],
    ),
  );

/** Random pixels `uint8 [count, height, width, 3]`. */
export function randomImages(a: Architecture, count = batch): Tensor {
  const shape = [count, ...a.imageSize, a.channels];
  const pixels = stream(3, "images");
  return tensor(
    "uint8",
    shape,
    new Uint8Array(elementCount(shape)).map(() => pixels.integer(256)),
  );
}

const optimizer = adamW();

export const stepOf = (a: Architecture, { method, options }: Case, more: Partial<StepOptions> = {}): TrainingStep =>
  trainingStep({
    architecture: a,
    normalization,
    method,
    methodOptions: options,
    microBatch: batch,
    optimizerOf: () => optimizer,
    groups: () => ({ rate: 1, decay: 0 }),
    clip: 0,
    ...more,
  });

/** The first parameters of a step. */
export const startOf = (a: Architecture, step: TrainingStep): Record<string, Tensor> =>
  step.initial((name) => stream(0, name).normal, randomBackbone(a));

export const onOrt = OrtExecutor.over(ort, { threads: 1 });

/** The logits of an adapted network. */
export async function logitsOf(
  executor: Executor,
  a: Architecture,
  { method, options }: Pick<Case, "method" | "options">,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Tensor> {
  const graph = adaptedPredictor({ architecture: a, normalization, microBatch: batch }, method, options);
  const session = await executor.load(graph, randomBackbone(a));
  const { logits } = await session.run(feeds);
  await session.close();
  return logits as Tensor;
}

/** What ONNX Runtime gives for the network as a method starts, and for the frozen one. */
export async function startsOnOrt(a: Architecture, one: Case): Promise<readonly [start: Tensor, frozen: Tensor]> {
  const images = randomImages(a);
  const start = startOf(a, stepOf(a, one));
  const head = Object.fromEntries(Object.entries(start).filter(([name]) => name.startsWith("head.")));
  return [
    await logitsOf(onOrt, a, one, { ...start, images }),
    await logitsOf(onOrt, a, { method: linear as never, options: {} }, { ...head, images }),
  ];
}
