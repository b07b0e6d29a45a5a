import { describe, expect, it } from "vitest";
import { byteSize, computedBytes, productFlops } from "../../src/graph/footprint.js";
import { add, graph, input, matmul, mul, reduceSum, reshape, weight } from "../../src/graph/index.js";

const x = input("x", [4, 8]);

describe("computedBytes", () => {
  it("counts what is alive at once, writes over what ends, and takes nothing for a view", () => {
    const doubled = mul(x, x);
    expect(computedBytes(graph("g", { y: doubled }))).toBe(128);
    expect(computedBytes(graph("g", { y: add(doubled, x) }))).toBe(128);
    expect(computedBytes(graph("g", { y: reshape(doubled, [8, 4]) }))).toBe(128);
    // Both outputs stay.
    expect(computedBytes(graph("g", { y: doubled, z: add(doubled, x) }))).toBe(256);
    expect(computedBytes(graph("g", { y: reduceSum(doubled) }))).toBe(128 + 4);
  });

  it("keeps what a later node reads", () => {
    const first = mul(x, x);
    const second = matmul(first, weight("w", [8, 8]));
    expect(computedBytes(graph("g", { y: matmul(second, reshape(first, [8, 4])) }))).toBe(128 + 128 + 64);
  });
});

it("byteSize counts elements by their types", () => {
  expect(byteSize([x, input("u", [3], "uint8"), input("s", [], "float64")])).toBe(128 + 3 + 8);
});

it("productFlops counts two operations for each multiplication with its addition", () => {
  expect(productFlops(graph("g", { y: matmul(x, weight("w", [8, 5])) }))).toBe(2 * 4 * 8 * 5);
  expect(productFlops(graph("g", { y: matmul(x, weight("w", [4, 5]), { transA: true }) }))).toBe(2 * 4 * 8 * 5);
  expect(productFlops(graph("g", { y: mul(x, x) }))).toBe(0);
});
