import { type GraphRunner, merge } from "../adapter/merge.js";
import { adaptedPredictor, type PredictorOptions, plainPredictor } from "../adapter/predictor.js";
import { stream } from "../data/random.js";
import { adamW, elementCount, type Tensor, tensor, tensorOf, toNumbers } from "../graph/index.js";
import type { AnyMethod } from "../methods/index.js";
import { linear } from "../methods/linear.js";
import type { Method } from "../methods/method.js";
import { ReferenceExecutor } from "../run/reference.js";
import { customArchitecture, isHead, parametersOf } from "../vit/architecture.js";
import { trainingStep } from "./step.js";

/** Every size is another number, so that a tensor's shape says what it is. */
const tiny = customArchitecture({
  ...{ imageSize: [8, 12], patchSize: 4, width: 12, hidden: 20, blocks: 3, heads: 3, classes: 5 },
} as const);
const batch = 2;
const normalization = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
const network: PredictorOptions = { architecture: tiny, normalization, microBatch: batch };

/** A method with its options filled in. */
interface Chosen {
  readonly method: AnyMethod;
  readonly options: Readonly<Record<string, unknown>>;
}

/**
 * The laws of a method that a method breaks, one sentence each; none where all is well. On a random network of twelve numbers
 * per token, in double precision: it stores as many numbers as it counts; where it says so, it starts as the frozen network and
 * folds into a plain one; and every tensor has a gradient within two steps.
 * @param given options of the method, to be checked with it
 * @throws what the method throws
 */
export async function checkMethod<Options>(
  method: Method<Options>,
  given: Partial<Options> = {},
): Promise<readonly string[]> {
  const options = method.resolve(tiny, given);
  const chosen = { method, options } as unknown as Chosen;
  const stored = checkStored(chosen);
  // What follows runs the method, and would only say the same in other words.
  if (stored.length > 0) return stored;
  return [
    ...(method.startsAsIdentity ? await checkStart(chosen) : []),
    ...(method.folds ? await checkFold(chosen) : []),
    ...(await checkGradients(chosen)),
  ];
}

function checkStored({ method, options }: Chosen): string[] {
  const broken: string[] = [];
  const again = JSON.stringify(method.resolve(tiny, options));
  if (again !== JSON.stringify(options)) {
    broken.push(
      `resolve: options that are complete must stay as they are, but ${JSON.stringify(options)} gave ${again}`,
    );
  }
  const parameters = method.parameters(tiny, options);
  const counted = method.count(tiny, options);
  const sum = parameters.reduce((total, { shape }) => total + elementCount(shape), 0);
  if (counted !== sum) broken.push(`count: says ${counted}, but parameters holds ${sum} numbers`);
  const names = parameters.map(({ name }) => name);
  for (const name of new Set(names.filter((name, i) => names.indexOf(name) !== i))) {
    broken.push(`parameters: ${name} is there more than once`);
  }
  for (const { name, shape, initial } of parameters) {
    const values = initial === "backbone" ? undefined : initial(stream(0, name).normal).length;
    if (values !== undefined && values !== elementCount(shape)) {
      broken.push(`parameters: ${name} has shape [${shape.join(", ")}], but its start gives ${values} numbers`);
    }
  }
  return broken;
}

async function checkStart(chosen: Chosen): Promise<string[]> {
  const start = stepOf(chosen).initial((name) => stream(0, name).normal, frozen);
  const head = { "head.weight": start["head.weight"] as Tensor, "head.bias": start["head.bias"] as Tensor };
  const plain = { method: linear as unknown as AnyMethod, options: {} };
  const [wanted, got] = [await answer(plain, head), await answer(chosen, start)];
  return wanted.every((logit, i) => logit === got[i])
    ? []
    : ["startsAsIdentity: with its first values, the network does not answer as the frozen one"];
}

async function checkFold({ method, options }: Chosen): Promise<string[]> {
  const trained = Object.fromEntries(
    [...method.parameters(tiny, options), ...parametersOf(tiny).filter(({ name }) => isHead(name))].map(
      ({ name, shape }) => [name, randomTensor("adapter", name, shape)],
    ),
  );
  const what = { architecture: tiny, method, methodOptions: options };
  const merged = await merge(reference as GraphRunner, what, trained, frozen);
  const plain = await reference.load(
    plainPredictor({ ...network, architecture: merged.architecture }),
    (name) => merged.weights.get(name) as Tensor,
  );
  const got = toNumbers((await plain.run({ images })).logits as Tensor);
  const wanted = await answer({ method, options }, trained);
  const largest = Math.max(...wanted.map(Math.abs));
  const error = Math.max(...wanted.map((logit, i) => Math.abs(logit - (got[i] as number)))) / largest;
  return error < 1e-9 ? [] : [`folds: merged, the logits differ by ${error.toExponential(1)} of the largest`];
}

async function checkGradients(chosen: Chosen): Promise<string[]> {
  const step = stepOf(chosen);
  const next = (of: Readonly<Record<string, Tensor>>, from: Readonly<Record<string, Tensor>>) =>
    Object.fromEntries(Object.keys(of).map((name) => [name, from[`next/${name}`] as Tensor]));
  const [accumulate, update] = [await reference.load(step.accumulate, frozen), await reference.load(step.update)];
  const features = step.features && (await reference.load(step.features, frozen));
  const example = {
    ...(features ? await features.run({ images }) : { images }),
    targets: tensorOf("float32", [batch, 5], [1, 0, 0, 0, 0, 0, 0, 0, 1, 0]),
    weights: tensorOf("float32", [batch], [0.5, 0.5]),
  };
  let parameters = step.initial((name) => stream(0, name).normal, frozen);
  let state = step.initialState();
  let sums = step.zeroSums();
  for (let i = 0; i < 3; i++) {
    sums = next(sums, await accumulate.run({ ...parameters, ...step.zeroSums(), ...example }));
    const moved = await update.run({ ...parameters, ...sums, ...state, lr: tensorOf("float32", [], [1e-2]) });
    [parameters, state] = [next(parameters, moved), next(state, moved)];
  }
  return Object.entries(sums).flatMap(([name, sum]) => {
    const values = toNumbers(sum);
    if (!values.every(Number.isFinite)) return [`adapt: the gradient of ${name.slice("sums/".length)} is not finite`];
    return values.some((v) => v !== 0) ? [] : [`adapt: ${name.slice("sums/".length)} has no gradient after two steps`];
  });
}

const reference = new ReferenceExecutor();
const optimizer = adamW();

/** The logits of an adapted network, row by row. */
async function answer({ method, options }: Chosen, adapter: Readonly<Record<string, Tensor>>): Promise<number[]> {
  const session = await reference.load(adaptedPredictor(network, method, options), frozen);
  return Array.from(toNumbers((await session.run({ ...adapter, images })).logits as Tensor));
}

const stepOf = ({ method, options }: Chosen) =>
  trainingStep({
    ...{ ...network, method, methodOptions: options, clip: 0 },
    optimizerOf: () => optimizer,
    groups: () => ({ rate: 1, decay: 0 }),
  });

/** Random numbers in a tensor; the same for the same name. */
const randomTensor = (kind: string, name: string, shape: readonly number[]): Tensor => {
  const { normal } = stream(1, kind, name);
  return tensorOf(
    "float32",
    shape,
    Float64Array.from({ length: elementCount(shape) }, () => 0.3 * normal()),
  );
};

/** A frozen network none of whose tensors is zero. */
const frozen = (name: string): Tensor => {
  const shape = shapes.get(name);
  if (shape === undefined) throw new Error(`the network has no tensor ${name}`);
  return randomTensor("network", name, shape);
};
const shapes = new Map(parametersOf(tiny).map(({ name, shape }) => [name, shape]));

const images: Tensor = tensor(
  "uint8",
  [batch, ...tiny.imageSize, tiny.channels],
  new Uint8Array(batch * elementCount(tiny.imageSize) * tiny.channels).map((_, i) => (i * 89) % 251),
);
