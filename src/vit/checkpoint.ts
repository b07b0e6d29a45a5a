import { FormatError } from "../errors.js";
import { type Shape, sameShape, type Tensor, toNumbers } from "../graph/tensor.js";
import { type Architecture, familyOf, isHead, parametersOf } from "./architecture.js";
import type { BackboneConfig } from "./config.js";
import { completeContract, type DataContract } from "./contract.js";
import { deriveArchitecture, printShape } from "./derive.js";
import { recognize, type Tensors } from "./naming.js";

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

/** A checkpoint one can call by name, and whose identity can be asked for. */
export interface Backbone extends Checkpoint {
  readonly name: string;
  /** The hash over its canonical tensors without the head, hexadecimal; computed when first asked for. */
  hash(): Promise<string>;
}

/**
 * The network in a set of tensors. Sizes come from the tensors' shapes, what shapes do not say from the config, and
 * both must agree; only the head may be another than the config's, or absent.
 * @param file what to call the checkpoint in messages
 * @throws FormatError where tensors are missing, left over, of another shape than the config says, or not finite
 */
export function readCheckpoint(stored: Tensors, config: BackboneConfig | undefined, file: string): Checkpoint {
  const found = recognize(stored);
  if (!found) throw unknownNames(stored, file);
  const tensors = found.scheme.translate(found.tensors);
  const shapes = new Map([...tensors].map(([name, { shape }]) => [name, shape]));
  const { architecture, warnings } = deriveArchitecture(shapes, config, file);

  const weights = new Map<string, Tensor<"float32">>();
  for (const { name, shape } of parametersOf(architecture)) {
    const tensor = tensors.get(name);
    if (!tensor) throw missing(name, shape, tensors, architecture, file);
    if (!sameShape(tensor.shape, shape)) throw misfit(name, shape, tensor.shape, architecture, file);
    weights.set(name, inFloat32(tensor, name, file));
  }
  const rest = [...tensors.keys()].filter((name) => !weights.has(name));
  const strange = rest.filter((name) => !found.scheme.unneeded.test(name));
  if (strange.length > 0) {
    throw new FormatError(
      `${file}: ${strange.length} tensors have no place in ${familyOf(architecture)}: ${some(strange)}. The network is of a kind that is not read yet; leaving them out would give wrong results.`,
    );
  }
  const stated = statedContract(config, architecture, file);
  const { contract, warnings: guesses } = completeContract(stated, architecture.imageSize);
  return { architecture, contract, weights, unused: rest, warnings: [...warnings, ...guesses] };
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

/** The tensor as float32. @throws FormatError where it holds no finite numbers */
function inFloat32(tensor: Tensor, name: string, file: string): Tensor<"float32"> {
  if (tensor.dtype !== "float32" && tensor.dtype !== "float64") {
    throw new FormatError(`${file}: ${name}: expected floating-point numbers, got ${tensor.dtype}.`);
  }
  const data = tensor.dtype === "float32" ? tensor.data : Float32Array.from(toNumbers(tensor));
  if (!allFinite(data)) {
    throw new FormatError(
      `${file}: ${name}: holds NaN or infinite numbers. The training that wrote it had failed; take an earlier checkpoint.`,
    );
  }
  return { dtype: "float32", shape: tensor.shape, data };
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

const some = (names: readonly string[]): string =>
  names.slice(0, 5).join(", ").slice(0, 300) + (names.length > 5 ? ", …" : "");

const unknownNames = (tensors: Tensors, file: string): FormatError =>
  new FormatError(
    `${file}: expected a Vision Transformer with timm's tensor names (patch_embed.proj.weight, blocks.0.attn.qkv.weight, …), got ${some([...tensors.keys()]) || "no tensors"}. Save it with timm's names.`,
  );

function missing(name: string, shape: Shape, tensors: Tensors, a: Architecture, file: string): FormatError {
  const absent = parametersOf(a).filter((p) => !tensors.has(p.name));
  const hint = isHead(name) ? " A head needs both its tensors." : "";
  return new FormatError(
    `${file}: ${name}: expected ${printShape(shape)}, got nothing (${absent.length} tensors of ${familyOf(a)} are missing).${hint} The file is incomplete or another kind of network; fetch it again.`,
  );
}

const misfit = (name: string, expected: Shape, got: Shape, a: Architecture, file: string): FormatError =>
  new FormatError(
    `${file}: ${name}: expected ${printShape(expected)}, got ${printShape(got)}. Its other tensors are of ${familyOf(a)}; the file mixes two networks.`,
  );
