import { describe, expect, it } from "vitest";
import { exp, mul, scalar } from "../../src/graph/elementwise.js";
import "../../src/graph/index.js";
import { apply, applyAll, defineOp, type Op, only, registry } from "../../src/graph/op.js";
import type { Value } from "../../src/graph/value.js";
import { doubles } from "./compute.js";
import { gradcheck } from "./gradcheck.js";

const x = doubles([2, 3], [0.3, -1.2, 0.7, 2, 0.1, -0.4]);

describe("gradcheck", () => {
  it("accepts right gradients", async () => {
    await gradcheck((v) => exp(mul(v, v)), [x]);
  });

  it("rejects a gradient that is off by a millionth", async () => {
    const op = defineOp("AlmostExp", {
      infer: (inputs) => [only(inputs)],
      backward: ({ grads, outputs }) => [
        mul(mul(only(grads) as Value, only(outputs)), scalar(1 + 1e-6, only(outputs))),
      ],
      evaluate: (inputs) => [only(inputs).data.map(Math.exp)],
    });
    await expect(gradcheck((v) => apply(op, [v], {}), [x])).rejects.toThrow(/gradient of x0 is off/);
  });

  it("rejects a layer norm whose backward has another epsilon than its forward", async () => {
    const right = registry.get("Normalize") as Op;
    const op = defineOp<{ readonly epsilon: number }>("NormalizeWithTwoEpsilons", {
      infer: (inputs, attributes) => right.infer(inputs, attributes),
      backward(context) {
        return right.backward?.({ ...context, outputs: applyAll(right, context.inputs, { epsilon: 1e-6 }) }) ?? [];
      },
      evaluate: (inputs, attributes, outputs) => right.evaluate?.(inputs, attributes, outputs) ?? [],
    });
    const twisted = (v: Value): Value => applyAll(op, [v], { epsilon: 1e-5 })[0] as Value;
    await expect(gradcheck(twisted, [x])).rejects.toThrow(/gradient of x0 is off/);
  });
});
