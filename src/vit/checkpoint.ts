import { FormatError } from "../errors.js";
import { elementCount, type Tensor, toNumbers } from "../graph/tensor.js";
import type { Architecture } from "./architecture.js";
import type { BackboneConfig } from "./config.js";
import { completeContract, type DataContract } from "./contract.js";
import { arrange } from "./layout.js";
import type { LazyTensors } from "./lazy-tensor.js";
import type { Piece } from "./naming.js";
import { lengthOf, type Plan, planCheckpoint, type Recipe } from "./recipe.js";

/** The tensors of a network under their canonical names. */
export type Weights = ReadonlyMap<string, Tensor<"float32">>;

/** A network as read from a checkpoint. */
export interface Checkpoint {
  readonly architecture: Architecture;
  readonly contract: DataContract;
  /** Exactly the tensors of `parametersOf(architecture)`, in that order. */
  readonly weights: Weights;
  /** Tensors of the file the network has no use for, by the list of its naming scheme. */
  readonly unused: readonly string[];
  /** What had to be guessed, for the person to read. */
  readonly warnings: readonly string[];
}

/** What a checkpoint holds, as far as names, shapes and its config say it. */
export type Outline = Omit<Checkpoint, "weights">;

/** A checkpoint one can call by name, and whose identity can be asked for. */
export interface Backbone extends Checkpoint {
  readonly name: string;
  /** The hash over its canonical tensors without the head, hexadecimal; computed when first asked for. */
  hash(): Promise<string>;
}

/** Memory for numbers; the default is an array of its own, a platform may give memory that threads share. */
export type Allocate = (count: number) => Float32Array;

/**
 * The network in a set of tensors in memory. Sizes come from the tensors' shapes, what shapes do not say from the config,
 * and both must agree; only the head may be another than the config's, or absent.
 * @param file what to call the checkpoint in messages
 * @throws FormatError where tensors are missing, left over, of another shape than the config says, or not finite
 */
export function readCheckpoint(
  stored: ReadonlyMap<string, Tensor>,
  config: BackboneConfig | undefined,
  file: string,
): Checkpoint {
  const plan = planCheckpoint(stored, config, file);
  const numbers = (name: string): Float32Array => {
    const tensor = stored.get(name) as Tensor;
    return tensor.dtype === "float32" ? tensor.data : Float32Array.from(toNumbers(tensor));
  };
  const weights = new Map<string, Tensor<"float32">>();
  for (const recipe of plan.recipes) {
    const [piece, ...more] = recipe.pieces;
    const isAsItIs = piece && more.length === 0 && !piece.arrangement?.perm && !piece.range;
    const data = isAsItIs ? numbers(piece.from) : new Float32Array(elementCount(recipe.shape));
    if (!isAsItIs) cook(recipe, numbers, data);
    weights.set(recipe.name, checked(recipe, data, file));
  }
  return complete(plan, weights, config, file);
}

/**
 * The network in the tensors of a file. Everything is checked by names and shapes first; then the tensors that are needed
 * are read one by one, every byte once, each converted to float32 and let go before the next: beside the weights
 * themselves no more than one tensor is in memory.
 * @throws as `readCheckpoint`
 */
export async function loadCheckpoint(
  stored: LazyTensors,
  config: BackboneConfig | undefined,
  file: string,
  allocate: Allocate = (count) => new Float32Array(count),
): Promise<Checkpoint> {
  const plan = planCheckpoint(stored, config, file);
  const uses = new Map<string, number>();
  for (const { from } of plan.recipes.flatMap(({ pieces }) => pieces)) uses.set(from, (uses.get(from) ?? 0) + 1);
  const kept = new Map<string, Float32Array>();
  const read = async (name: string, into?: Float32Array): Promise<Float32Array> => {
    const tensor = stored.get(name);
    if (!tensor) throw new Error(`the file has no tensor ${name}`);
    const data = kept.get(name) ?? into ?? new Float32Array(elementCount(tensor.shape));
    if (!kept.has(name)) await tensor.read(data);
    const left = (uses.get(name) ?? 1) - 1;
    uses.set(name, left);
    if (left > 0) kept.set(name, data);
    else kept.delete(name);
    return data;
  };
  const weights = new Map<string, Tensor<"float32">>();
  for (const recipe of plan.recipes) {
    const data = allocate(elementCount(recipe.shape));
    let at = 0;
    for (const [i, piece] of recipe.pieces.entries()) {
      const place = data.subarray(at, at + lengthOf(piece));
      const isAsItIs = recipe.how === "chain" && !piece.arrangement?.perm && !piece.range && uses.get(piece.from) === 1;
      if (isAsItIs && !kept.has(piece.from)) await read(piece.from, place);
      else pour(piece, await read(piece.from), place, recipe.how === "sum" && i > 0);
      if (recipe.how === "chain") at += lengthOf(piece);
    }
    weights.set(recipe.name, checked(recipe, data, file));
  }
  return complete(plan, weights, config, file);
}

/**
 * What is in the tensors of a file, without reading one; what it would be refused for by names and shapes is found.
 * @throws as `readCheckpoint`, but for numbers that are not finite
 */
export const outlineCheckpoint = (stored: LazyTensors, config: BackboneConfig | undefined, file: string): Outline =>
  outlineOf(planCheckpoint(stored, config, file), config, file);

/** Makes a canonical tensor of stored ones. */
function cook(recipe: Recipe, numbers: (name: string) => Float32Array, into: Float32Array): void {
  let at = 0;
  for (const [i, piece] of recipe.pieces.entries()) {
    const isSum = recipe.how === "sum";
    pour(piece, numbers(piece.from), into.subarray(at, at + lengthOf(piece)), isSum && i > 0);
    if (!isSum) at += lengthOf(piece);
  }
}

/** Writes a piece in its order, or adds it to what is there, in float32. */
function pour({ arrangement, range }: Piece, numbers: Float32Array, into: Float32Array, adds: boolean): void {
  let ordered = numbers;
  if (arrangement?.perm) {
    ordered = range || adds ? new Float32Array(numbers.length) : into;
    arrange(numbers, arrangement, ordered);
  }
  const taken = range ? ordered.subarray(...range) : ordered;
  if (adds) for (const [i, x] of taken.entries()) into[i] = (into[i] as number) + x;
  else if (taken !== into) into.set(taken);
}

/** The tensor of a recipe. @throws FormatError where its numbers are not finite */
function checked({ name, shape }: Recipe, data: Float32Array, file: string): Tensor<"float32"> {
  if (!allFinite(data)) {
    throw new FormatError(
      `${file}: ${name}: holds NaN or infinite numbers. The training that wrote it had failed; take an earlier checkpoint.`,
    );
  }
  return { dtype: "float32", shape, data };
}

/** The checkpoint of a plan that has been carried out. */
const complete = (plan: Plan, weights: Weights, config: BackboneConfig | undefined, file: string): Checkpoint => ({
  ...outlineOf(plan, config, file),
  weights,
});

function outlineOf(
  { architecture, unused, warnings, pretraining }: Plan,
  config: BackboneConfig | undefined,
  file: string,
): Outline {
  const stated = statedContract(config, architecture, file);
  const { contract, warnings: guesses } = completeContract(stated, architecture.imageSize, pretraining);
  return { architecture, contract, unused, warnings: [...warnings, ...guesses] };
}

/** What the config says of the contract; class names only where they name the outputs of this head. */
function statedContract(config: BackboneConfig | undefined, { classes }: Architecture, file: string) {
  const { classNames, ...stated } = config?.contract ?? {};
  if (!classNames || classes === 0 || classes !== (config?.stated.classes ?? classes)) return stated;
  if (classNames.length !== classes) {
    throw new FormatError(
      `${file}: expected names of ${classes} classes beside a head with as many outputs, got ${classNames.length}. Mend the list in the config or take it out.`,
    );
  }
  return { ...stated, classNames };
}

/** True where no number is NaN or infinite: x · 0 is 0 for every other one. Four sums, as one would wait for itself. */
function allFinite(x: Float32Array): boolean {
  let [a, b, c, d] = [0, 0, 0, 0];
  const even = x.length - (x.length % 4);
  for (let i = 0; i < even; i += 4) {
    a += (x[i] as number) * 0;
    b += (x[i + 1] as number) * 0;
    c += (x[i + 2] as number) * 0;
    d += (x[i + 3] as number) * 0;
  }
  for (let i = even; i < x.length; i++) a += (x[i] as number) * 0;
  return a + b + c + d === 0;
}
