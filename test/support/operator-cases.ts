import { readFileSync } from "node:fs";
import * as g from "../../src/graph/index.js";
import { applyAll, type Op, registry } from "../../src/graph/op.js";
import type { Shape } from "../../src/graph/tensor.js";

type Value = g.Value;
/** A tensor of doubles as JSON. */
export interface Array64 {
  readonly shape: Shape;
  readonly data: readonly number[];
}
/** What PyTorch computed for one case. */
export interface Golden {
  readonly inputs: readonly Array64[];
  readonly outputs: readonly Array64[];
  /** null for outputs that have no gradient */
  readonly directions: readonly (Array64 | null)[];
  /** null for inputs that have none */
  readonly grads: readonly (Array64 | null)[];
}
/** Made by `test/golden/ops/make.py`. */
export const golden = JSON.parse(readFileSync(new URL("../golden/ops/ops.json", import.meta.url), "utf8")) as {
  readonly cases: Readonly<Record<string, Golden>>;
};

/** An application of an operator by the name of its golden values; any of its outputs. */
export type Cases = Readonly<Record<string, (...inputs: Value[]) => Value | undefined>>;

/** ONNX's own operator, which only the lowering makes. */
export const layerNormalization = (x: Value, scale: Value): Value | undefined =>
  applyAll(registry.get("LayerNormalization") as Op, [x, scale], { axis: -1, epsilon: 1e-6 })[0];

/** Every operator of the registry needs at least one case here. */
export const table: Readonly<Record<string, Cases>> = {
  Add: { add: g.add, "add broadcast": g.add, "add scalar": g.add },
  Sub: { sub: g.sub, "sub broadcast": g.sub, "sub scalar": g.sub },
  Mul: { mul: g.mul, "mul broadcast": g.mul, "mul scalar": g.mul, "mul zero": g.mul },
  Div: { div: g.div, "div broadcast": g.div, "div scalar": g.div },
  Min: { min: g.min, "min scalar": g.min },
  LessOrEqual: { "less or equal": g.lessOrEqual },
  Neg: { neg: g.neg },
  Exp: { exp: g.exp, "exp large": g.exp },
  Log: { log: g.log },
  Sqrt: { sqrt: g.sqrt },
  Erf: { erf: g.erf },
  Gelu: { gelu: g.gelu },
  Cast: {
    cast: (x) => g.cast(x, x.dtype === "float64" ? "float32" : "float64"),
    "cast to int": (x) => g.cast(x, "int32"),
    "cast to bool": (x) => g.cast(x, "bool"),
  },
  Reshape: { reshape: (x) => g.reshape(x, [3, 4]), "reshape to scalar": (x) => g.reshape(x, []) },
  Transpose: {
    transpose: (x) => g.transpose(x, [2, 0, 1]),
    "transpose heads": (x) => g.transpose(x, [0, 2, 1, 3]),
  },
  Expand: { expand: (x) => g.expand(x, [2, 3, 4]) },
  Concat: { concat: (...xs) => g.concat(xs, 1), "concat first": (...xs) => g.concat(xs, 0) },
  Split: {
    split: (x) => g.split(x, 1, [1, 3, 2])[0],
    "split last, first part alone": (x) => g.split(x, 1, [2, 2])[0],
  },
  ReduceSum: {
    sum: (x) => g.reduceSum(x, [0, 2]),
    "sum keepdims": (x) => g.reduceSum(x, [1], true),
    "sum all": (x) => g.reduceSum(x),
  },
  ReduceMean: {
    mean: (x) => g.reduceMean(x, [1, 2]),
    "mean keepdims": (x) => g.reduceMean(x, [1], true),
    "mean all": (x) => g.reduceMean(x),
  },
  ReduceMax: { max: (x) => g.reduceMax(x, [1]) },
  MatMul: {
    matmul: (a, b) => g.matmul(a as Value, b as Value),
    "matmul batch": (a, b) => g.matmul(a as Value, b as Value),
    "matmul broadcast": (a, b) => g.matmul(a as Value, b as Value),
    "matmul both broadcast": (a, b) => g.matmul(a as Value, b as Value),
  },
  FusedMatMul: {
    "matmul ta": (a, b) => g.matmul(a, b, { transA: true }),
    "matmul tb": (a, b) => g.matmul(a, b, { transB: true, alpha: 0.5 }),
    "matmul ta tb": (a, b) => g.matmul(a, b, { transA: true, transB: true, alpha: -2 }),
  },
  Gemm: {
    gemm: (a, b) => g.gemm(a, b),
    "gemm bias": (a, b, bias) => g.gemm(a, b, { bias }),
    "gemm ta column bias": (a, b, bias) => g.gemm(a, b, { transA: true, bias }),
    "gemm tb": (a, b) => g.gemm(a, b, { transB: true }),
    "gemm ta tb": (a, b) => g.gemm(a, b, { transA: true, transB: true }),
  },
  Softmax: { softmax: g.softmax, "softmax deep": g.softmax },
  LogSoftmax: { "log softmax": g.logSoftmax },
  Normalize: {
    normalize: (x) => g.normalize(x, 1e-6),
    "normalize large epsilon": (x) => g.normalize(x, 0.1),
  },
  LayerNormalization: { "layer normalization": layerNormalization },
  Attention: {
    attention: (q, k, v) => g.attention(q, k, v, 0.5),
    "attention sharp": (q, k, v) => g.attention(q, k, v, 2),
  },
};

/** Compositions of operators that have golden values of their own. */
export const compositions: Cases = { "cross entropy": g.crossEntropy };

/** The golden values of a case. */
export const goldenOf = (name: string): Golden => {
  const found = golden.cases[name];
  if (!found) throw new Error(`no golden values for ${name}: add them to test/golden/ops/make.py`);
  return found;
};

/** All outputs of the node that made a value, which must be of `type`; of a composition, the value itself. */
export function siblings(value: Value | undefined, type?: string): readonly Value[] {
  if (value?.kind !== "computed") throw new Error("the case made no node");
  if (type === undefined) return [value];
  if (value.node.op.type !== type) throw new Error(`the case of ${type} made ${value.node.op.type}`);
  return value.node.outputs;
}

/** The inputs `x0`, `x1`, … of a case. */
export const leavesOf = ({ inputs }: Golden, dtype: g.DType = "float64"): readonly g.Value[] =>
  inputs.map((x, i) => g.input(`x${i}`, x.shape, dtype));

/** Which inputs have golden gradients. */
export const wrtOf = ({ grads }: Golden): number[] => [...grads.keys()].filter((i) => grads[i]);

/** Gradients of the inputs that have one, of the outputs projected on the golden directions. */
export function gradientsOf(values: Golden, leaves: readonly Value[], outputs: readonly Value[]): readonly Value[] {
  const terms = values.directions.flatMap((d, i) => {
    const y = outputs[i];
    return d && y ? [g.reduceSum(g.mul(y, g.constant(g.tensorOf(y.dtype, d.shape, d.data))))] : [];
  });
  return g.backward(
    terms.reduce((a, b) => g.add(a, b)),
    wrtOf(values).map((i) => leaves[i] as Value),
  );
}
