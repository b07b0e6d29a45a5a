import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { add, mul, neg } from "../../src/graph/elementwise.js";
import { type Graph, graph } from "../../src/graph/graph.js";
import { split } from "../../src/graph/layout.js";
import { matmul } from "../../src/graph/matrix.js";
import { input, type Node, type Value, weight } from "../../src/graph/value.js";

/** True where every node comes after those it takes its inputs from, and none comes twice. */
function isOrdered({ nodes }: Graph): boolean {
  const done = new Set<Node>();
  return nodes.every((node) => {
    const ready = node.inputs.every((v) => v.kind !== "computed" || done.has(v.node)) && !done.has(node);
    done.add(node);
    return ready;
  });
}

describe("graph", () => {
  it("orders nodes after their inputs, each once", () => {
    const links = fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(links, (pairs) => {
        const values: Value[] = [input("x", [2])];
        for (const [i, j] of pairs)
          values.push(add(values[i % values.length] as Value, values[j % values.length] as Value));
        const all = graph("all", Object.fromEntries(values.map((v, i) => [`y${i}`, v])));
        expect(all.nodes).toHaveLength(pairs.length);
        expect(isOrdered(all)).toBe(true);
        expect(isOrdered(graph("last", { y: values.at(-1) as Value }))).toBe(true);
      }),
    );
  });

  it("takes a graph of any depth in linear time", () => {
    let y: Value = input("x", []);
    for (let i = 0; i < 50_000; i++) y = add(y, mul(y, y));
    const start = performance.now();
    const deep = graph("deep", { y });
    expect(performance.now() - start).toBeLessThan(5000);
    expect(deep.nodes).toHaveLength(100_000);
    expect(isOrdered(deep)).toBe(true);
  });

  it("holds only what the outputs need", () => {
    const [a, b] = [input("a", [2]), input("b", [2])];
    const [first] = split(neg(a), 0, [1, 1]) as [Value];
    mul(a, b);
    const needed = graph("needed", { first });
    expect(needed.inputs).toEqual([a]);
    expect(needed.nodes.map((node) => node.op.type)).toEqual(["Neg", "Split"]);
  });

  it("collects leaves once, also those that are outputs themselves", () => {
    const [x, w] = [input("x", [2, 2]), weight("w", [2, 2])];
    const { inputs, weights, nodes } = graph("leaves", { x, y: matmul(matmul(x, w), w) });
    expect(inputs).toEqual([x]);
    expect(weights).toEqual([w]);
    expect(nodes).toHaveLength(2);
  });

  it("refuses two leaves of one name", () => {
    const twins: [Value, Value][] = [
      [input("x", [2]), input("x", [2])],
      [weight("x", [2]), weight("x", [2])],
      [input("x", [2]), weight("x", [2])],
    ];
    for (const [a, b] of twins)
      expect(() => graph("twins", { y: add(a, b) })).toThrow("graph twins: two leaves are called x");
  });
});
