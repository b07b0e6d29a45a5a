import { RuntimeUnavailableError } from "../errors.js";
import { type Graph, graph } from "../graph/graph.js";
import { applyAll } from "../graph/op.js";
import { type DType, sameShape } from "../graph/tensor.js";
import { type Node, scope, type Value } from "../graph/value.js";

/** Where ONNX Runtime runs a graph. */
export type OrtTarget = "cpu" | "wasm" | "webgpu";

/** Something that targets cannot run: an operator, an element type, or an operator on an element type. */
interface Gap {
  readonly targets: readonly OrtTarget[];
  readonly type?: string;
  readonly dtype?: DType;
  readonly reason: string;
}

const everywhere: readonly OrtTarget[] = ["cpu", "wasm", "webgpu"];
const noKernel = "there is no kernel";
const noDoubleKernel = "there is no kernel in double precision";

/** What ONNX Runtime 1.30 lacks; each line was seen by running it. */
const gaps: readonly Gap[] = [
  { targets: everywhere, type: "Normalize", reason: "it is ours, not ONNX's" },
  { targets: everywhere, type: "Attention", reason: "opset 21 has none, and we need its probabilities" },
  { targets: ["webgpu"], type: "LogSoftmax", reason: noKernel },
  { targets: ["webgpu"], type: "SoftmaxCrossEntropyLoss", reason: noKernel },
  { targets: ["webgpu"], type: "Sign", reason: noKernel },
  { targets: ["webgpu"], type: "RandomUniformLike", reason: noKernel },
  { targets: ["webgpu"], type: "ArgMax", reason: "the result is int64, for which there is no kernel" },
  { targets: ["webgpu"], type: "FusedMatMul", reason: noKernel },
  { targets: ["webgpu"], dtype: "float64", reason: "WGSL has no double precision" },
  { targets: ["cpu", "wasm"], type: "Erf", dtype: "float64", reason: noDoubleKernel },
  { targets: ["cpu", "wasm"], type: "Gelu", dtype: "float64", reason: noDoubleKernel },
  { targets: ["cpu", "wasm"], type: "Conv", dtype: "float64", reason: noDoubleKernel },
  { targets: ["cpu", "wasm"], type: "FusedMatMul", dtype: "float64", reason: "alpha is stored as float32" },
  {
    targets: ["cpu", "wasm"],
    type: "LayerNormalization",
    dtype: "float64",
    reason: "mean and deviation come in float32 even for doubles",
  },
];

/**
 * The same graph in operators that the target has: what it lacks is replaced by the operator's `expand`.
 * @throws RuntimeUnavailableError naming operator, scope and target where an operator is lacking and has no `expand`
 */
export function lower(source: Graph, target: OrtTarget): Graph {
  // An expansion may use operators that must be expanded in turn.
  for (let lowered = source; ; ) {
    const next = lowerOnce(lowered, target);
    if (next === lowered) return lowered;
    lowered = next;
  }
}

function lowerOnce(source: Graph, target: OrtTarget): Graph {
  const replaced = new Map<Value, Value>();
  const now = (value: Value): Value => replaced.get(value) ?? value;
  for (const node of source.nodes) {
    const reason = whyLacking(node, target);
    const inputs = node.inputs.map(now);
    if (reason === undefined && inputs.every((value, i) => value === node.inputs[i])) continue;
    const outputs = scope(node.scope, () =>
      reason === undefined ? applyAll(node.op, inputs, node.attributes) : expand(node, inputs, target, reason),
    );
    for (const [i, output] of node.outputs.entries()) replaced.set(output, outputs[i] as Value);
  }
  if (replaced.size === 0) return source;
  const outputs = Object.entries(source.outputs).map(([name, value]) => [name, now(value)]);
  return graph(source.name, Object.fromEntries(outputs));
}

/** Why the target cannot run a node; undefined where it can. */
function whyLacking({ op, inputs }: Node, target: OrtTarget): string | undefined {
  return gaps.find(
    (gap) =>
      gap.targets.includes(target) &&
      (gap.type === undefined || gap.type === op.type) &&
      (gap.dtype === undefined || inputs.some(({ dtype }) => dtype === gap.dtype)),
  )?.reason;
}

function expand({ op, attributes, outputs, scope }: Node, inputs: readonly Value[], target: OrtTarget, reason: string) {
  const where = `${scope || "graph"}: ${op.type} cannot run on ${target}`;
  if (!op.expand)
    throw new RuntimeUnavailableError(`${where}: ${reason}, and it has no decomposition. Choose another device.`);
  const expanded = op.expand(inputs, attributes);
  for (const [i, { shape, dtype }] of outputs.entries()) {
    const got = expanded[i];
    if (!got || !sameShape(got.shape, shape) || got.dtype !== dtype) {
      throw new Error(`${where}: its decomposition gives ${got?.dtype} [${got?.shape}] for ${dtype} [${shape}]`);
    }
  }
  return expanded;
}
