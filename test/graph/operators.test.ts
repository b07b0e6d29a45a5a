import { describe, expect, it } from "vitest";
import { ShapeError } from "../../src/errors.js";
import * as g from "../../src/graph/index.js";
import { applyAll, type Op, registry } from "../../src/graph/op.js";
import { elementCount } from "../../src/graph/tensor.js";
import { input, scope } from "../../src/graph/value.js";
import { relativeError } from "../support/closeness.js";
import { compute, doubles } from "../support/compute.js";
import { gradcheck } from "../support/gradcheck.js";
import {
  type Array64,
  type Cases,
  compositions,
  type Golden,
  golden,
  goldenOf,
  gradientsOf,
  layerNormalization,
  leavesOf,
  siblings,
  table,
  wrtOf,
} from "../support/operator-cases.js";

type Value = g.Value;
const tensorsOf = ({ inputs }: Golden) => inputs.map((x) => doubles(x.shape, x.data));
const feedsOf = (values: Golden) => Object.fromEntries(tensorsOf(values).map((x, i) => [`x${i}`, x]));
const named = (values: readonly Value[]) => Object.fromEntries(values.map((v, i) => [String(i), v]));

async function expectClose(values: readonly Value[], wanted: readonly (Array64 | null)[], feeds: object, most: number) {
  const found = await compute(named(values), feeds as never);
  for (const [i, want] of wanted.entries()) {
    if (!want) continue;
    expect(found[i]?.shape).toEqual(want.shape);
    expect(relativeError(found[i]?.data as Float64Array, want.data, 1e-300)).toBeLessThanOrEqual(most);
  }
}

/** What holds of every case, be it one operator or a composition. */
function check(name: string, build: Cases[string], type?: string): void {
  const values = goldenOf(name);
  const { outputs, directions, grads } = values;
  const wrt = wrtOf(values);

  it(`${name}: values of PyTorch, in the shape inferred`, async () => {
    const made = siblings(build(...leavesOf(values)), type);
    expect(made.map((v) => v.shape)).toEqual(outputs.map((y) => y.shape));
    await expectClose(made, outputs, feedsOf(values), 1e-12);
  });

  if (wrt.length > 0)
    it(`${name}: gradients of PyTorch and of differences`, async () => {
      const leaves = leavesOf(values);
      const made = siblings(build(...leaves), type);
      const derived = gradientsOf(values, leaves, made);
      await expectClose(
        derived,
        wrt.map((i) => grads[i] ?? null),
        feedsOf(values),
        1e-12,
      );
      const differentiable = (...xs: Value[]) => siblings(build(...xs), type).filter((_, i) => directions[i]);
      await gradcheck(differentiable, tensorsOf(values), wrt);
    });

  if (!type || !registry.get(type)?.expand) return;
  // The constants of a float32 expansion are rounded to float32.
  for (const [dtype, most] of [
    ["float64", 1e-12],
    ["float32", 1e-7],
  ] as const) {
    it(`${name}: the expansion of ${dtype} means the same`, async () => {
      const promised = siblings(build(...leavesOf(values, dtype)), type);
      const { op, inputs, attributes } = (promised[0] as Extract<Value, { kind: "computed" }>).node;
      const expanded = op.expand?.(inputs, attributes) ?? [];
      const specOf = ({ shape, dtype }: Value) => ({ shape, dtype });
      expect(expanded.map(specOf)).toEqual(promised.map(specOf));
      await expectClose(expanded, outputs, feedsOf(values), most);
    });
  }
}

describe("operators", () => {
  it("all have cases", () => {
    expect([...registry.keys()].filter((type) => !table[type])).toEqual([]);
    expect(Object.keys(table).filter((type) => !registry.has(type))).toEqual([]);
  });
  it("all golden values are used", () => {
    const used = [...Object.values(table), compositions].flatMap((cases) => Object.keys(cases));
    expect(Object.keys(golden.cases).toSorted()).toEqual(used.toSorted());
  });
  it("with a gradient have it checked", () => {
    for (const [type, op] of registry) {
      const isChecked = Object.keys(table[type] ?? {}).some((name) => wrtOf(goldenOf(name)).length > 0);
      expect([type, isChecked]).toEqual([type, op.backward !== undefined]);
    }
  });
  for (const [type, cases] of Object.entries(table)) {
    describe(type, () => {
      for (const [name, build] of Object.entries(cases)) check(name, build, type);
    });
  }
  describe("compositions", () => {
    for (const [name, build] of Object.entries(compositions)) check(name, build);
  });
});

describe("kinks", () => {
  const gradients = async (f: (a: Value, b: Value) => Value, a: number[], b: number[]) => {
    const leaves = [g.input("a", [a.length], "float64"), g.input("b", [b.length], "float64")] as const;
    const [da, db] = g.backward(g.reduceSum(f(...leaves)), leaves) as [Value, Value];
    const found = await compute({ da, db }, { a: doubles([a.length], a), b: doubles([b.length], b) });
    return [found.da, found.db].map((t) => Array.from(t?.data as Float64Array));
  };
  it("Min gives the whole gradient of a tie to its first input", async () => {
    expect(await gradients(g.min, [1, 2, 3], [1, 5, 0])).toEqual([
      [1, 1, 0],
      [0, 0, 1],
    ]);
  });
  it("Sqrt has an infinite gradient at 0", async () => {
    expect((await gradients((a) => g.sqrt(a), [0, 4], [0]))[0]).toEqual([Number.POSITIVE_INFINITY, 0.25]);
  });
  it("no gradient passes through integers", async () => {
    const throughIntegers = (a: Value): Value => g.cast(g.cast(a, "int32"), "float64");
    expect((await gradients(throughIntegers, [1.5, 2], [0]))[0]).toEqual([0, 0]);
  });
});

describe("misfits", () => {
  const x = (...shape: number[]): Value => input("x", shape, "float32");
  const misfits: Record<string, [build: () => unknown, message: RegExp]> = {
    "shapes that do not broadcast": [() => g.add(x(2, 3), x(2, 2)), /Add expects .*float32\[2,3\] and float32\[2,2\]/],
    "types that differ": [() => g.mul(x(2), input("y", [2], "float64")), /Mul expects .*float32\[2\] and float64\[2\]/],
    compared: [() => g.lessOrEqual(x(2), x(3)), /LessOrEqual expects .*\[2\] and float32\[3\]/],
    reshape: [() => g.reshape(x(2, 3), [4]), /Reshape expects as many elements as \[4\] holds, got float32\[2,3\]/],
    transpose: [() => g.transpose(x(2, 3), [0, 0]), /Transpose expects .*\[0,0\].*, got float32\[2,3\]/],
    "transpose of another rank": [() => g.transpose(x(2, 3), [0, 1, 2]), /Transpose expects/],
    expand: [() => g.expand(x(2, 3), [2, 4]), /Expand expects .*\[2,4\], got float32\[2,3\]/],
    concat: [() => g.concat([x(2, 3), x(3, 3)], 1), /Concat expects .*axis 1, got float32\[2,3\] and float32\[3,3\]/],
    "concat of another rank": [() => g.concat([x(2, 3), x(2)], 1), /Concat expects/],
    "concat along a missing axis": [() => g.concat([x(2, 3), x(2, 3)], 2), /Concat expects/],
    "concat along a negative axis": [() => g.concat([x(2, 3), x(2, 3)], -1), /Concat expects/],
    split: [() => g.split(x(2, 3), 1, [1, 1]), /Split expects 2 elements along axis 1, got float32\[2,3\]/],
    "one part": [() => g.split(x(2, 3), 1, [1]), /Split expects 1 elements along axis 1/],
    "a negative axis": [() => g.reduceSum(x(2, 3), [-1]), /ReduceSum expects .*\[-1\].*, got float32\[2,3\]/],
    "a repeated axis": [() => g.reduceMean(x(2, 3), [1, 1]), /ReduceMean expects/],
    "a missing axis": [() => g.reduceMax(x(2, 3), [2]), /ReduceMax expects/],
    matmul: [() => g.matmul(x(2, 3), x(2, 3)), /MatMul expects .*float32\[2,3\] and float32\[2,3\]/],
    "matmul of a vector": [() => g.matmul(x(3), x(3, 2)), /MatMul expects/],
    "matmul of a scalar": [() => g.matmul(x(), x(3, 2)), /MatMul expects/],
    "matmul batch": [() => g.matmul(x(2, 3, 4), x(3, 4, 5)), /MatMul expects/],
    "fused matmul": [
      () => g.matmul(x(2, 3), x(2, 3), { transA: true, transB: true }),
      /FusedMatMul expects .*transposed/,
    ],
    "gemm of three axes": [() => g.gemm(x(2, 2, 3), x(3, 4)), /Gemm expects/],
    "gemm bias": [() => g.gemm(x(2, 3), x(3, 4), { bias: x(3) }), /Gemm expects .*and float32\[3\]/],
    "gemm bias of three axes": [() => g.gemm(x(2, 3), x(3, 4), { bias: x(1, 2, 4) }), /Gemm expects/],
    "gemm bias type": [() => g.gemm(x(2, 3), x(3, 4), { bias: input("b", [4], "float64") }), /Gemm expects/],
    "softmax of a scalar": [() => g.softmax(x()), /Softmax expects rows/],
    "log softmax of a scalar": [() => g.logSoftmax(x()), /LogSoftmax expects rows/],
    "normalize of a scalar": [() => g.normalize(x(), 1e-6), /Normalize expects rows/],
    "layer normalization": [() => layerNormalization(x(2, 3), x(2)), /LayerNormalization expects .*and float32\[2\]/],
    "attention width": [() => g.attention(x(1, 2, 3, 4), x(1, 2, 5, 3), x(1, 2, 5, 4), 1), /Attention expects/],
    "attention tokens": [() => g.attention(x(1, 2, 3, 4), x(1, 2, 5, 4), x(1, 2, 6, 4), 1), /Attention expects/],
    "attention batch": [() => g.attention(x(2, 2, 3, 4), x(1, 2, 5, 4), x(1, 2, 5, 4), 1), /Attention expects/],
  };
  for (const [name, [build, message]] of Object.entries(misfits)) {
    it(`${name} is a ShapeError that says where`, () => {
      const failing = (): unknown => scope("blocks.3", () => scope("attn", build));
      expect(failing).toThrow(ShapeError);
      expect(failing).toThrow(message);
      expect(failing).toThrow(/^blocks\.3\.attn: /);
    });
  }
  it("a node whose operator computes another number of elements than it promised is one too", async () => {
    const op: Op = {
      type: "Broken",
      infer: () => [{ shape: [elementCount([2, 2])], dtype: "float64" }],
      evaluate: () => [[1]],
    };
    const [value] = scope("blocks.1", () => applyAll(op, [], {})) as [Value];
    await expect(compute({ value })).rejects.toThrow(/blocks\.1: Broken promised \[4\] and computed 1 elements/);
  });
});
