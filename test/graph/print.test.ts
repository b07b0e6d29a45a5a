import { describe, expect, it } from "vitest";
import { backward } from "../../src/graph/backward.js";
import { scalar } from "../../src/graph/elementwise.js";
import { gemm, graph, mul, print, reduceMean, scope, softmax, split, weight } from "../../src/graph/index.js";
import { input, type Value } from "../../src/graph/value.js";

describe("print", () => {
  const build = (): string => {
    const x = input("x", [2, 4]);
    const logits = scope("head", () => gemm(x, weight("head.weight", [4, 3]), { bias: input("head.bias", [3]) }));
    const [first] = split(mul(softmax(logits), scalar(0.5, logits)), 1, [1, 2]) as [Value, Value];
    const loss = reduceMean(first);
    return print(graph("step", { loss, gradient: backward(loss, [logits])[0] as Value }));
  };

  it("writes one line per leaf, node and output", () => {
    expect(build()).toMatchInlineSnapshot(`
      "input head.bias float32[3]
      input x float32[2,4]
      weight head.weight float32[4,3]
      %0 [2,3] = Gemm(x, head.weight, head.bias) {transA=0, transB=0} # head
      %1 [2,3] = Softmax(%0)
      %2 [2,3] = Mul(%1, 0.5)
      %3 [2,1], %4 [2,2] = Split(%2) {axis=1, split=[1,2]}
      %5 [] = ReduceMean(%3) {axes=[0,1], keepdims=0}
      %6 [] = Div(1, 2) # grad/
      %7 [1,1] = Reshape(%6) {shape=[1,1]} # grad/
      %8 [2,1] = Expand(%7) {shape=[2,1]} # grad/
      %9 [2,3] = Concat(%8, const[2,2]) {axis=1} # grad/
      %10 [2,3] = Mul(%9, 0.5) # grad/
      %11 [2,3] = Mul(%10, %1) # grad/
      %12 [2,1] = ReduceSum(%11) {axes=[1], keepdims=1} # grad/
      %13 [2,3] = Sub(%10, %12) # grad/
      %14 [2,3] = Mul(%1, %13) # grad/
      output loss = %5
      output gradient = %14"
    `);
  });

  it("writes the same for the same graph", () => {
    expect(build()).toBe(build());
  });
});
