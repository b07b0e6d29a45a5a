import type { Graph } from "../graph/graph.js";
import type { Node, Value } from "../graph/value.js";

/** Names of everything in a graph; two graphs built alike get the same ones. */
export interface Names {
  readonly nodes: ReadonlyMap<Node, string>;
  /** Also of outputs that nothing reads: ONNX Runtime 1.30 crashes where an output of `Split` has no name. */
  readonly values: ReadonlyMap<Value, string>;
}

/**
 * Readable names: leaves and graph outputs keep theirs, a node is `blocks.3.attn/MatMul_2`, which is also its first
 * output; the next are `…:1`, `…:2`; constants are `constant_0` and on.
 * @throws Error where an output has the name of another value
 */
export function nameGraph({ name, inputs, weights, nodes, outputs }: Graph): Names {
  const taken = new Set<string>();
  const values = new Map<Value, string>();
  for (const leaf of [...inputs, ...weights]) {
    taken.add(leaf.name);
    values.set(leaf, leaf.name);
  }
  for (const [key, value] of Object.entries(outputs)) {
    if (values.get(value) === key) continue;
    if (taken.has(key)) throw new Error(`graph ${name}: the output ${key} has the name of an input or weight`);
    taken.add(key);
    if (value.kind === "computed" && !values.has(value)) values.set(value, key);
  }

  const counts = new Map<string, number>();
  const free = (stem: string): string => {
    for (let count = counts.get(stem) ?? 0; ; count++) {
      const candidate = `${stem}_${count}`;
      if (taken.has(candidate)) continue;
      counts.set(stem, count + 1);
      taken.add(candidate);
      return candidate;
    }
  };
  const nodeNames = new Map<Node, string>();
  for (const node of nodes) {
    const nodeName = free(node.scope ? `${node.scope}/${node.op.type}` : node.op.type);
    nodeNames.set(node, nodeName);
    for (const [i, value] of node.outputs.entries()) {
      if (!values.has(value)) values.set(value, i === 0 ? nodeName : `${nodeName}:${i}`);
    }
  }
  for (const value of [...nodes.flatMap((node) => node.inputs), ...Object.values(outputs)]) {
    if (value.kind === "constant" && !values.has(value)) values.set(value, free("constant"));
  }
  return { nodes: nodeNames, values };
}
