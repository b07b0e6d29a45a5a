import { describe, expect, it } from "vitest";
import { ShapeError } from "../../src/errors.js";
import { add, mul, scalar } from "../../src/graph/elementwise.js";
import { graph } from "../../src/graph/graph.js";
import { gelu, softmax } from "../../src/graph/network.js";
import { applyAll, type Op } from "../../src/graph/op.js";
import { type DType, tensorOf } from "../../src/graph/tensor.js";
import { input, weight } from "../../src/graph/value.js";
import { ReferenceExecutor } from "../../src/run/reference.js";
import { doubles } from "../support/compute.js";

const x = input("x", [2]);
const w = weight("w", [2]);
const sum = graph("sum", { y: add(x, w), twice: mul(x, scalar(2, x)) });
const weights = () => doubles([2], [10, 20]);
const feeds = { x: doubles([2], [1, 2]) };

describe("the reference executor", () => {
  it("computes in doubles, whatever type the graph declares", async () => {
    const session = await new ReferenceExecutor().load(sum, weights);
    const { y } = await session.run({ x: doubles([2], [1e-12, 2]) });
    expect(y).toEqual({ dtype: "float64", shape: [2], data: Float64Array.of(10 + 1e-12, 22) });
  });

  it("takes tensors of every type", async () => {
    const session = await new ReferenceExecutor().load(sum, () => tensorOf("float32", [2], [10, 20]));
    for (const dtype of ["float32", "float64", "int32", "int64", "uint8"] satisfies DType[]) {
      expect((await session.run({ x: tensorOf(dtype, [2], [1, 2]) })).y?.data).toEqual(Float64Array.of(11, 22));
    }
  });

  it("asks for each weight once", async () => {
    const asked: string[] = [];
    const session = await new ReferenceExecutor().load(graph("g", { y: add(add(x, w), w) }), (name) => {
      asked.push(name);
      return weights();
    });
    await session.run(feeds);
    await session.run(feeds);
    expect(asked).toEqual(["w"]);
  });

  it("keeps results, feeds them to any session, reads and releases them", async () => {
    const executor = new ReferenceExecutor();
    const first = await executor.load(sum, weights);
    const second = await executor.load(graph("second", { z: softmax(x) }));
    const { y, twice } = await first.run(feeds, ["y"]);
    expect(twice?.data).toEqual(Float64Array.of(2, 4));
    expect(y).toMatchObject({ dtype: "float64", shape: [2] });
    expect(y).not.toHaveProperty("data");
    expect((await executor.read(y)).data).toEqual(Float64Array.of(11, 22));
    expect((await first.run({ x: y })).y?.data).toEqual(Float64Array.of(21, 42));
    expect((await second.run({ x: y })).z?.data[0]).toBeCloseTo(1 / (1 + Math.exp(11)), 15);
    await executor.release([y]);
    await expect(executor.read(y)).rejects.toThrow("was released");
    await expect(second.run({ x: y })).rejects.toThrow(/fed as x, was released/);
  });

  it("forgets everything when it is closed", async () => {
    const executor = new ReferenceExecutor();
    const { y } = await (await executor.load(sum, weights)).run(feeds, ["y"]);
    await executor.close();
    await expect(executor.read(y)).rejects.toThrow("was released");
  });

  it("never hands out what it was fed: a caller may write into results", async () => {
    const session = await new ReferenceExecutor().load(graph("through", { y: x }));
    const fed = doubles([2], [1, 2]);
    const { y } = await session.run({ x: fed });
    expect(y?.data).toEqual(fed.data);
    expect(y?.data).not.toBe(fed.data);
  });

  it("refuses inputs and weights that are missing or misshapen, by name", async () => {
    const executor = new ReferenceExecutor();
    await expect(executor.load(sum)).rejects.toThrow(new ShapeError("weight w was not given"));
    await expect(executor.load(sum, () => doubles([1], [1]))).rejects.toThrow(
      new ShapeError("w: expected [2], got [1]"),
    );
    const session = await executor.load(sum, weights);
    await expect(session.run({})).rejects.toThrow(new ShapeError("input x was not fed"));
    await expect(session.run({ x: doubles([1, 2], [1, 2]) })).rejects.toThrow("x: expected [2], got [1,2]");
  });

  it("understands an operator by its expansion, also within another's", async () => {
    const expanded: Op = {
      type: "Outer",
      infer: ([v]) => [{ shape: v?.shape ?? [], dtype: "float32" }],
      expand: ([v]) => (v ? [add(gelu(v), gelu(v))] : []),
    };
    const [y] = applyAll(expanded, [x], {});
    const session = await new ReferenceExecutor().load(graph("nested", y ? { y } : {}));
    const { y: found } = await session.run(feeds);
    expect(found?.data[0]).toBeCloseTo(2 * 0.8413447460685429, 7);
  });

  it("says which operator has no meaning", async () => {
    const empty: Op = { type: "Empty", infer: () => [{ shape: [], dtype: "float32" }] };
    const [y] = applyAll(empty, [], {});
    const session = await new ReferenceExecutor().load(graph("empty", y ? { y } : {}));
    await expect(session.run({})).rejects.toThrow("Empty has neither a meaning nor an expansion");
  });
});
