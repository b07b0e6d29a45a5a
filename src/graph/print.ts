import type { Graph } from "./graph.js";
import type { Value } from "./value.js";

/** The graph as text, one node per line: `%3 [2,197,768] = Concat(%1, %2) {axis=2} # blocks.0.mlp`. */
export function print(graph: Graph): string {
  const names = new Map<Value, string>();
  const nameOf = (v: Value): string => {
    if (v.kind === "constant") return v.tensor.data.length === 1 ? String(v.tensor.data[0]) : `const[${v.shape}]`;
    return v.kind === "computed" ? (names.get(v) ?? "?") : v.name;
  };
  const lines = [...graph.inputs, ...graph.weights].map((v) => `${v.kind} ${v.name} ${v.dtype}[${v.shape}]`);
  for (const { op, inputs, attributes, outputs, scope } of graph.nodes) {
    for (const v of outputs) names.set(v, `%${names.size}`);
    const left = outputs.map((v) => `${nameOf(v)} [${v.shape}]`).join(", ");
    const options = Object.entries(attributes).map(
      ([key, value]) => `${key}=${typeof value === "object" ? `[${value}]` : value}`,
    );
    lines.push(
      `${left} = ${op.type}(${inputs.map(nameOf).join(", ")})${options.length > 0 ? ` {${options.join(", ")}}` : ""}${scope ? ` # ${scope}` : ""}`,
    );
  }
  for (const [name, v] of Object.entries(graph.outputs)) lines.push(`output ${name} = ${nameOf(v)}`);
  return lines.join("\n");
}
