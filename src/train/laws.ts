import { type GraphRunner, merge } from "../adapter/merge.js";
import { adaptedPredictor, type PredictorOptions, plainPredictor } from "../adapter/predictor.js";
import { stream } from "../data/random.js";
import { adamW, elementCount, type Tensor, tensor, tensorOf, toNumbers } from "../graph/index.js";
import type { AnyMethod } from "../methods/index.js";
import { linear } from "../methods/linear.js";
import type { Method } from "../methods/method.js";
import { ReferenceExecutor } from "../run/reference.js";
import { type Architecture, customArchitecture, isHead, parametersOf } from "../vit/architecture.js";
import { trainingStep } from "./step.js";

/** Every size is another number, so that a tensor's shape says what it is. */
const tiny = customArchitecture({
  ...{ imageSize: [8, 12], patchSize: 4, width: 12, hidden: 20, blocks: 3, heads: 3, classes: 5 },
} as const);
const batch = 2;
const normalization = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };

/** A method with its options filled in, on a network. */
interface Chosen {
  readonly architecture: Architecture;
  readonly method: AnyMethod;
  readonly options: Readonly<Record<string, unknown>>;
}

/**
 * The laws of a method that a method breaks, one sentence each; none where all is well. On a random network of twelve numbers
 * per token, in double precision: it stores as many numbers as it counts; where it says so, it starts as the frozen network and
 * folds into a plain one; and every tensor has a gradient within two steps.
 * @param given options of the method, to be checked with it
 * @param architecture of another network than the usual one with three blocks; anything larger takes long
 * @throws what the method throws
 */
export async function checkMethod<Options>(
  method: Method<Options>,
  given: Partial<Options> = {},
  architecture: Architecture = tiny,
): Promise<readonly string[]> {
  const options = method.resolve(architecture, given);
  const chosen = { architecture, method, options } as unknown as Chosen;
  const stored = checkStored(chosen);
  // What follows runs the method, and would only say the same in other words.
  if (stored.length > 0) return stored;
  return [
    ...(method.startsAsIdentity ? await checkStart(chosen) : []),
    ...(method.folds ? await checkFold(chosen) : []),
    ...(await checkGradients(chosen)),
  ];
}

function checkStored({ architecture: a, method, options }: Chosen): string[] {
  const broken: string[] = [];
  const again = JSON.stringify(method.resolve(a, options));
  if (again !== JSON.stringify(options)) {
    broken.push(
      `resolve: options that are complete must stay as they are, but ${JSON.stringify(options)} gave ${again}`,
    );
  }
  const parameters = method.parameters(a, options);
  const counted = method.count(a, options);
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
  const { architecture } = chosen;
  const start = stepOf(chosen).initial((name) => stream(0, name).normal, frozenOf(architecture));
  const head = { "head.weight": start["head.weight"] as Tensor, "head.bias": start["head.bias"] as Tensor };
  const plain = { architecture, method: linear as unknown as AnyMethod, options: {} };
  const [wanted, got] = [await answer(plain, head), await answer(chosen, start)];
  return wanted.every((logit, i) => logit === got[i])
    ? []
    : ["startsAsIdentity: with its first values, the network does not answer as the frozen one"];
}

async function checkFold(chosen: Chosen): Promise<string[]> {
  const { architecture, method, options } = chosen;
  const trained = Object.fromEntries(
    [...method.parameters(architecture, options), ...parametersOf(architecture).filter(({ name }) => isHead(name))].map(
      ({ name, shape }) => [name, randomTensor("adapter", name, shape)],
    ),
  );
  const what = { architecture, method, methodOptions: options };
  const merged = await merge(reference as GraphRunner, what, trained, frozenOf(architecture));
  const plain = await reference.load(
    plainPredictor(networkOf(merged.architecture)),
    (name) => merged.weights.get(name) as Tensor,
  );
  const got = toNumbers((await plain.run({ images: imagesFor(architecture) })).logits as Tensor);
  const wanted = await answer(chosen, trained);
  const largest = Math.max(...wanted.map(Math.abs));
  const error = Math.max(...wanted.map((logit, i) => Math.abs(logit - (got[i] as number)))) / largest;
  return error < 1e-10 ? [] : [`folds: merged, the logits differ by ${error.toExponential(1)} of the largest`];
}

async function checkGradients(chosen: Chosen): Promise<string[]> {
  const step = stepOf(chosen);
  const { architecture } = chosen;
  const [frozen, images] = [frozenOf(architecture), imagesFor(architecture)];
  const next = (of: Readonly<Record<string, Tensor>>, from: Readonly<Record<string, Tensor>>) =>
    Object.fromEntries(Object.keys(of).map((name) => [name, from[`next/${name}`] as Tensor]));
  const [accumulate, update] = [await reference.load(step.accumulate, frozen), await reference.load(step.update)];
  const features = step.features && (await reference.load(step.features, frozen));
  const example = {
    ...(features ? await features.run({ images }) : { images }),
    targets: targetsFor(architecture),
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
async function answer(chosen: Chosen, adapter: Readonly<Record<string, Tensor>>): Promise<number[]> {
  const { architecture, method, options } = chosen;
  const graph = adaptedPredictor(networkOf(architecture), method, options);
  const session = await reference.load(graph, frozenOf(architecture));
  const { logits } = await session.run({ ...adapter, images: imagesFor(architecture) });
  return Array.from(toNumbers(logits as Tensor));
}

const networkOf = (architecture: Architecture): PredictorOptions => ({
  architecture,
  normalization,
  microBatch: batch,
});

const stepOf = ({ architecture, method, options }: Chosen) =>
  trainingStep({
    ...{ ...networkOf(architecture), method, methodOptions: options, clip: 0 },
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
function frozenOf(architecture: Architecture): (name: string) => Tensor {
  const shapes = new Map(parametersOf(architecture).map(({ name, shape }) => [name, shape]));
  return (name) => {
    const shape = shapes.get(name);
    if (shape === undefined) throw new Error(`the network has no tensor ${name}`);
    return randomTensor("network", name, shape);
  };
}

function imagesFor({ imageSize, channels }: Architecture): Tensor {
  const shape = [batch, ...imageSize, channels];
  return tensor(
    "uint8",
    shape,
    new Uint8Array(elementCount(shape)).map((_, i) => (i * 89) % 251),
  );
}

/** The first image is of the first class, the second of the last but one. */
const targetsFor = ({ classes }: Architecture): Tensor =>
  tensorOf(
    "float32",
    [batch, classes],
    Array.from({ length: batch * classes }, (_, i) => (i === 0 || i === batch * classes - 2 ? 1 : 0)),
  );
