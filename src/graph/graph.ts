import type { Input, Node, Value, Weight } from "./value.js";

/** Named outputs and all they need, in an order in which every node comes after its inputs. */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly Input[];
  readonly weights: readonly Weight[];
  readonly nodes: readonly Node[];
  readonly outputs: Readonly<Record<string, Value>>;
}

/**
 * Collects the graph that computes `outputs`.
 * @throws Error where two different leaves, inputs or weights, share one name
 */
export function graph(name: string, outputs: Readonly<Record<string, Value>>): Graph {
  const nodes: Node[] = [];
  const leaves = new Map<string, Input | Weight>();
  const seen = new Set<Node>();
  // An explicit stack: a backward graph is deeper than JavaScript's.
  const stack: (Node | Value)[] = Object.values(outputs).reverse();
  while (stack.length > 0) {
    const item = stack.pop() as Node | Value;
    if ("op" in item) {
      nodes.push(item);
      continue;
    }
    if (item.kind === "computed") {
      if (seen.has(item.node)) continue;
      // Pushed first, taken last: after all of its inputs.
      if (!item.node.inputs.every((v) => v.kind !== "computed" || seen.has(v.node))) {
        stack.push(item, ...item.node.inputs.toReversed());
        continue;
      }
      seen.add(item.node);
      stack.push(item.node);
      for (const leaf of item.node.inputs) if (leaf.kind !== "computed") stack.push(leaf);
    } else if (item.kind !== "constant") {
      const known = leaves.get(item.name);
      if (known && known !== item) throw new Error(`graph ${name}: two leaves are called ${item.name}`);
      leaves.set(item.name, item);
    }
  }
  const all = [...leaves.values()];
  return {
    name,
    inputs: all.filter((v) => v.kind === "input"),
    weights: all.filter((v) => v.kind === "weight"),
    nodes,
    outputs,
  };
}
