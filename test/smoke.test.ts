import { expect, it } from "vitest";
import { backward, crossEntropy, gelu, graph, matmul, scalar, sgd } from "../src/graph/index.js";
import { input } from "../src/graph/value.js";
import { ReferenceExecutor } from "../src/run/reference.js";
import { doubles } from "./support/compute.js";

it("a step of SGD on two layers lowers the loss", async () => {
  const image = input("image", [2, 3], "float64");
  const target = input("target", [2, 2], "float64");
  const parameters = [input("a", [3, 4], "float64"), input("b", [4, 2], "float64")] as const;
  const [a, b] = parameters;
  const loss = crossEntropy(matmul(gelu(matmul(image, a)), b), target, input("weights", [2], "float64"));
  const [da, db] = backward(loss, parameters);
  const move = (p: typeof a, grad = loss) =>
    sgd({ momentum: 0 }).step(p, grad, { u: scalar(0, p) }, {}, scalar(0.1, p), 0).next;
  const session = await new ReferenceExecutor().load(graph("step", { loss, a: move(a, da), b: move(b, db) }));

  const feeds = {
    image: doubles([2, 3], [1, 0, -1, 0.5, 2, 0]),
    target: doubles([2, 2], [1, 0, 0, 1]),
    weights: doubles([2], [0.5, 0.5]),
    a: doubles([3, 4], [0.1, -0.2, 0.3, 0.4, 0.5, -0.6, 0.7, 0.8, -0.9, 1, 0.1, -0.2]),
    b: doubles([4, 2], [0.3, -0.1, 0.2, 0.4, -0.5, 0.6, 0.1, -0.3]),
  };
  const first = await session.run(feeds);
  const second = await session.run({ ...feeds, a: first.a ?? feeds.a, b: first.b ?? feeds.b });
  expect(second.loss?.data[0]).toBeLessThan(first.loss?.data[0] as number);
});
