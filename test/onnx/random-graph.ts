import fc from "fast-check";
import * as g from "../../src/graph/index.js";

const shapes: readonly g.Shape[] = [[], [3], [1], [2, 3], [3, 2], [2, 1, 3], [2, 2, 3]];

/** A step that makes values of earlier ones, or none where the drawn ones do not suit it. */
type Step = (pick: (test: (v: g.Value) => boolean) => g.Value | undefined, seed: number) => readonly g.Value[];

const matrix = (v: g.Value) => v.shape.length >= 2;
const row = (v: g.Value) => v.shape.length >= 1;
const on = (v: g.Value | undefined, make: (v: g.Value) => readonly g.Value[]): readonly g.Value[] => (v ? make(v) : []);

const steps: readonly Step[] = [
  (pick) =>
    on(
      pick(() => true),
      (x) => [g.exp(g.neg(g.mul(x, x)))],
    ),
  (pick) =>
    on(
      pick(() => true),
      (x) =>
        on(
          pick((y) => g.sameShape(x.shape, y.shape)),
          (y) => [g.add(x, y)],
        ),
    ),
  (pick) =>
    on(
      pick(() => true),
      (x) => [g.mul(x, g.scalar(0.5, x))],
    ),
  (pick, seed) => on(pick(row), (x) => [g.reduceSum(x, [seed % x.shape.length], seed % 2 === 0)]),
  (pick) => on(pick(row), (x) => [g.softmax(x)]),
  (pick) => on(pick(row), (x) => [g.normalize(x, 1e-6)]),
  (pick) =>
    on(
      pick(() => true),
      (x) => [g.reshape(x, [1, g.elementCount(x.shape)])],
    ),
  (pick) => on(pick(matrix), (x) => [g.transpose(x, [...x.shape.keys()].reverse())]),
  (pick) => on(pick(matrix), (x) => [g.matmul(x, x, { transB: true, alpha: 0.25 })]),
  (pick) =>
    on(
      pick((v) => v.shape.length === 2),
      (x) => [g.gemm(x, x, { transA: true })],
    ),
  (pick) =>
    on(
      pick((v) => (v.shape[0] ?? 0) > 1),
      (x) => g.split(x, 0, [1, (x.shape[0] as number) - 1]),
    ),
  (pick) => on(pick(row), (x) => [g.concat([x, x], x.shape.length - 1)]),
  (pick) =>
    on(
      pick(() => true),
      (x) => [g.expand(x, [2, ...x.shape])],
    ),
  (pick) =>
    on(
      pick(() => true),
      (x) => [g.cast(g.lessOrEqual(x, g.scalar(0.5, x)), x.dtype)],
    ),
];

/** Graphs of most operators over inputs, weights and constants, in scopes, with any values as outputs. */
export const randomGraph = (dtype: "float32" | "float64"): fc.Arbitrary<g.Graph> =>
  fc
    .record({
      leaves: fc.array(fc.tuple(fc.constantFrom(...shapes), fc.nat(2)), { minLength: 1, maxLength: 5 }),
      made: fc.array(
        fc.tuple(fc.nat(steps.length - 1), fc.nat(), fc.constantFrom("", "blocks.0", "grad/blocks.1.attn")),
        {
          maxLength: 12,
        },
      ),
      outputs: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
    })
    .map(({ leaves, made, outputs }) => {
      const values: g.Value[] = leaves.map(([shape, kind], i) => {
        const numbers = Float64Array.from({ length: g.elementCount(shape) }, (_, at) => Math.sin(at + i));
        if (kind === 0) return g.input(`x${i}`, shape, dtype);
        return kind === 1
          ? g.weight(`blocks.${i}.weight`, shape, dtype)
          : g.constant(g.tensorOf(dtype, shape, numbers));
      });
      for (const [step, seed, where] of made) {
        const pick = (test: (v: g.Value) => boolean) => {
          const fitting = values.filter((v) => test(v) && g.elementCount(v.shape) < 200);
          return fitting[seed % Math.max(fitting.length, 1)];
        };
        g.scope(where, () => values.push(...(steps[step] as Step)(pick, seed)));
      }
      // Counted from the end, where the deep ones are; the same value may come out twice.
      const named = outputs.map((at, i) => [`y${i}`, values[values.length - 1 - (at % values.length)] as g.Value]);
      return g.graph("random", Object.fromEntries(named));
    });

/** Numbers for every leaf of a graph, by name. */
export const numbersFor = (leaves: readonly (g.Value & { readonly name: string })[]): Record<string, g.Tensor> =>
  Object.fromEntries(
    leaves.map(({ name, dtype, shape }, i) => [
      name,
      g.tensorOf(
        dtype,
        shape,
        Float64Array.from({ length: g.elementCount(shape) }, (_, at) => Math.cos(3 * at + i)),
      ),
    ]),
  );

/** Everything a graph says, as plain data, for comparison. */
export function describeGraph({ name, inputs, weights, nodes, outputs }: g.Graph): unknown {
  const numbers = new Map<g.Value, number>();
  for (const v of nodes.flatMap((node) => node.outputs)) numbers.set(v, numbers.size);
  const typed = ({ dtype, shape }: g.Value) => ({ dtype, shape: [...shape] });
  const say = (v: g.Value) =>
    v.kind === "computed"
      ? numbers.get(v)
      : v.kind === "constant"
        ? { ...typed(v), data: [...g.toNumbers(v.tensor)] }
        : { kind: v.kind, name: v.name, ...typed(v) };
  return {
    name,
    inputs: inputs.map(say),
    weights: weights.map(say),
    nodes: nodes.map((node) => ({
      type: node.op.type,
      scope: node.scope,
      inputs: node.inputs.map(say),
      attributes: Object.fromEntries(Object.entries(node.attributes).sort(([a], [b]) => (a < b ? -1 : 1))),
      outputs: node.outputs.map(typed),
    })),
    outputs: Object.entries(outputs).map(([key, v]) => [key, say(v)]),
  };
}
