import { RuntimeUnavailableError } from "../errors.js";
import { cast } from "../graph/elementwise.js";
import { type Graph, graph } from "../graph/graph.js";
import { applyAll } from "../graph/op.js";
import { type DType, sameShape } from "../graph/tensor.js";
import { type Attributes, type Node, scope, type Value } from "../graph/value.js";
import { concatInGroups, mostShaderValues, splitInGroups } from "./many-values.js";

/** Where ONNX Runtime runs a graph. */
export type OrtTarget = "cpu" | "wasm" | "webgpu";

/** Something that targets cannot run: an operator, an element type, or an operator on an element type. */
interface Gap {
  readonly targets: readonly OrtTarget[];
  readonly type?: string;
  /** Of an input or an output. */
  readonly dtype?: DType;
  /** Only with more inputs and outputs than this. */
  readonly above?: number;
  readonly reason: string;
  /** A type in which the operator does the same: it gets its inputs in it, and its outputs are cast back. */
  readonly carrier?: DType;
  /** What does the same, where that is not the operator's `expand`. */
  readonly instead?: (inputs: readonly Value[], attributes: Attributes) => readonly Value[];
}

const everywhere: readonly OrtTarget[] = ["cpu", "wasm", "webgpu"];
const noKernel = "there is no kernel";
const noDoubleKernel = "there is no kernel in double precision";

/**
 * What ONNX Runtime 1.30 lacks of our operators: onnxruntime-node, onnxruntime-web in WebAssembly, and the WebGPU of
 * `onnxruntime-web/webgpu` (the older one of `onnxruntime-web` has no uint8 besides). The tests run every operator and
 * its gradient on every target; what fails there has a row here.
 */
const gaps: readonly Gap[] = [
  { targets: everywhere, type: "Normalize", reason: "it is ours, not ONNX's" },
  { targets: everywhere, type: "Attention", reason: "opset 21 has none, and we need its probabilities" },
  { targets: ["webgpu"], type: "LogSoftmax", reason: noKernel },
  { targets: ["webgpu"], type: "FusedMatMul", reason: noKernel },
  { targets: ["webgpu"], dtype: "float64", reason: "WGSL has no double precision" },
  { targets: ["webgpu"], dtype: "int64", reason: "no kernel takes int64" },
  ...(
    [
      ["Concat", concatInGroups],
      ["Split", splitInGroups],
    ] as const
  ).map(
    ([type, instead]): Gap => ({
      targets: ["webgpu"],
      type,
      above: mostShaderValues,
      reason: "a shader has no room for so many tensors",
      instead,
    }),
  ),
  ...["Transpose", "Split", "Concat"].flatMap((type) =>
    (["uint8", "bool"] as const).map(
      (dtype): Gap => ({
        targets: ["webgpu"],
        type,
        dtype,
        reason: "there is no kernel for single bytes",
        carrier: "int32",
      }),
    ),
  ),
  { targets: ["cpu", "wasm"], type: "Erf", dtype: "float64", reason: noDoubleKernel },
  { targets: ["cpu", "wasm"], type: "Gelu", dtype: "float64", reason: noDoubleKernel },
  { targets: ["cpu", "wasm"], type: "FusedMatMul", dtype: "float64", reason: "alpha is stored as float32" },
  {
    targets: ["cpu", "wasm"],
    type: "LayerNormalization",
    dtype: "float64",
    reason: "mean and deviation come in float32 even for doubles",
  },
];

/**
 * The same graph in operators that the target has: what it lacks is replaced by the operator's `expand`, or done in
 * another element type that makes no difference.
 * @throws RuntimeUnavailableError naming operator, scope and target where neither can be done
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
    const gap = gapOf(node, target);
    const inputs = node.inputs.map(now);
    if (!gap && inputs.every((value, i) => value === node.inputs[i])) continue;
    const outputs = scope(node.scope, () =>
      gap ? replace(node, inputs, target, gap) : applyAll(node.op, inputs, node.attributes),
    );
    for (const [i, output] of node.outputs.entries()) replaced.set(output, outputs[i] as Value);
  }
  if (replaced.size === 0) return source;
  const outputs = Object.entries(source.outputs).map(([name, value]) => [name, now(value)]);
  return graph(source.name, Object.fromEntries(outputs));
}

/** What keeps the target from running a node; undefined where it can. */
const gapOf = ({ op, inputs, outputs }: Node, target: OrtTarget): Gap | undefined =>
  gaps.find(
    ({ targets, type, dtype, above = 0 }) =>
      targets.includes(target) &&
      (type === undefined || type === op.type) &&
      inputs.length + outputs.length > above &&
      (dtype === undefined || [...inputs, ...outputs].some((value) => value.dtype === dtype)),
  );

function replace(node: Node, inputs: readonly Value[], target: OrtTarget, gap: Gap): readonly Value[] {
  const { op, attributes, outputs, scope } = node;
  const { reason, carrier, instead } = gap;
  if (instead) return instead(inputs, attributes);
  if (carrier) {
    const carried = inputs.map((value) => cast(value, carrier));
    return applyAll(op, carried, attributes).map((value, i) => cast(value, (outputs[i] as Value).dtype));
  }
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
