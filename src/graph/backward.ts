import { ShapeError } from "../errors.js";
import { repeatedAxes } from "./broadcast.js";
import { add, filled } from "./elementwise.js";
import { graph } from "./graph.js";
import { reshape } from "./layout.js";
import { reduceSum } from "./reduce.js";
import { elementCount, sameShape } from "./tensor.js";
import { type Node, scope, type Value } from "./value.js";

/**
 * Gradients of a scalar with respect to each of `wrt`, as values of the same kind of graph. Only nodes on a path from
 * one of `wrt` to the loss get a gradient: nothing is made for frozen weights or below the first trained value.
 *
 * @returns one value per entry of `wrt`, of its shape; zeros where the loss does not depend on it
 * @throws ShapeError where the loss is not a single number
 * @throws Error where an operator on the way has no gradient
 */
export function backward(loss: Value, wrt: readonly Value[]): Value[] {
  if (elementCount(loss.shape) !== 1) throw new ShapeError(`backward: the loss must be a scalar, got [${loss.shape}]`);
  const { nodes } = graph("backward", { loss });
  const trained = new Set<Value>(wrt);
  const depends = new Set<Node>();
  const isNeeded = (v: Value): boolean => trained.has(v) || (v.kind === "computed" && depends.has(v.node));
  for (const node of nodes) if (node.inputs.some(isNeeded)) depends.add(node);

  const grads = new Map<Value, Value>([[loss, filled(loss.shape, 1, loss)]]);
  for (const node of nodes.toReversed()) {
    const outputGrads = node.outputs.map((v) => grads.get(v));
    if (!depends.has(node) || outputGrads.every((g) => g === undefined)) continue;
    const { op, inputs, outputs, attributes } = node;
    if (!op.backward) throw new Error(`${node.scope}: ${op.type} has no gradient`);
    const rule = op.backward.bind(op);
    const inputGrads = scope(`grad/${node.scope}`, () => rule({ inputs, outputs, attributes, grads: outputGrads }));
    for (const [i, x] of inputs.entries()) {
      const grad = inputGrads[i];
      if (!grad || !isNeeded(x)) continue;
      const known = grads.get(x);
      grads.set(
        x,
        scope(`grad/${node.scope}`, () => (known ? add(known, unbroadcast(grad, x)) : unbroadcast(grad, x))),
      );
    }
  }
  return wrt.map((x) => grads.get(x) ?? filled(x.shape, 0, x));
}

/** Sums a gradient over the axes along which its input was repeated. */
function unbroadcast(grad: Value, x: Value): Value {
  if (sameShape(grad.shape, x.shape)) return grad;
  const keepsRank = x.shape.length === grad.shape.length;
  return reshape(reduceSum(grad, repeatedAxes(x.shape, grad.shape), keepsRank), x.shape);
}
