import { type Graph, graph } from "../graph/graph.js";
import { applyAll } from "../graph/op.js";
import { type Node, scope, type Value, weight } from "../graph/value.js";

/** A graph in two parts, the outputs of the first being weights of the second. */
export interface SplitGraph {
  /** What depends on weights alone; undefined where nothing does. */
  readonly before: Graph | undefined;
  readonly rest: Graph;
}

/** A graph cut where its inputs come in. Repetitions (Expand) stay with the rest, since they cost nothing there. */
export function splitAtInputs(source: Graph): SplitGraph {
  const fixed = new Set<Node>();
  const isFixed = (value: Value): boolean =>
    value.kind === "computed" ? fixed.has(value.node) : value.kind !== "input";
  for (const node of source.nodes) if (node.op.type !== "Expand" && node.inputs.every(isFixed)) fixed.add(node);
  const wanted = new Map<Value, string>();
  const want = (value: Value): void => {
    if (value.kind !== "computed" || !fixed.has(value.node) || wanted.has(value)) return;
    wanted.set(value, `folded/${value.node.scope}.${wanted.size}`);
  };
  for (const node of source.nodes) if (!fixed.has(node)) node.inputs.forEach(want);
  Object.values(source.outputs).forEach(want);
  if (wanted.size === 0) return { before: undefined, rest: source };

  const outputs = Object.fromEntries([...wanted].map(([value, name]) => [name, value]));
  const replaced = new Map<Value, Value>(
    [...wanted].map(([value, name]) => [value, weight(name, value.shape, value.dtype)]),
  );
  const now = (value: Value): Value => replaced.get(value) ?? value;
  for (const node of source.nodes) {
    const inputs = node.inputs.map(now);
    if (fixed.has(node) || inputs.every((value, i) => value === node.inputs[i])) continue;
    const made = scope(node.scope, () => applyAll(node.op, inputs, node.attributes));
    for (const [i, output] of node.outputs.entries()) replaced.set(output, made[i] as Value);
  }
  const kept = Object.fromEntries(Object.entries(source.outputs).map(([name, value]) => [name, now(value)]));
  return { before: graph("before", outputs), rest: graph(source.name, kept) };
}
