import { add, div, mul, scalar, sqrt, sub } from "./elementwise.js";
import { matmul } from "./matrix.js";
import { reduceSum } from "./reduce.js";
import type { Value } from "./value.js";

/** A parameter's next value and the next value of each of its states. */
export interface Update {
  readonly next: Value;
  readonly state: Readonly<Record<string, Value>>;
}

/** How a parameter moves; every rule is a fragment of a graph. */
export interface Optimizer {
  /** States of a parameter's own shape, zero at the start. */
  readonly slots: readonly string[];
  /** Scalar states shared by all parameters, with their first values. */
  readonly shared: Readonly<Record<string, number>>;
  /** Next values of the shared states. */
  advance(shared: Readonly<Record<string, Value>>): Readonly<Record<string, Value>>;
  /**
   * The next values of a parameter and of its state.
   * @param shared already advanced
   * @param lr learning rate, a scalar
   * @param decay decoupled weight decay
   */
  step(
    parameter: Value,
    grad: Value,
    state: Readonly<Record<string, Value>>,
    shared: Readonly<Record<string, Value>>,
    lr: Value,
    decay: number,
  ): Update;
}

const at = (values: Readonly<Record<string, Value>>, name: string): Value => {
  const value = values[name];
  if (!value) throw new Error(`optimizer: state ${name} is missing`);
  return value;
};

/** `β a + (1−β) b`, with 1 for `b` by default */
const blend = (a: Value, beta: number, b: Value = scalar(1, a)): Value =>
  add(mul(a, scalar(beta, a)), mul(b, scalar(1 - beta, a)));

/** `p (1 − lr · decay)` */
const decayed = (p: Value, lr: Value, decay: number): Value =>
  decay === 0 ? p : mul(p, sub(scalar(1, p), mul(lr, scalar(decay, p))));

/**
 * AdamW: `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`, `p ← p(1 − lr·λ) − lr · m̂ / (√v̂ + ε)` with `m̂ = m/(1−β₁ᵗ)`,
 * `v̂ = v/(1−β₂ᵗ)`. The corrections `c = 1−βᵗ` are shared states, so the graph needs no step count; they advance as
 * `c ← βc + (1−β)`, because subtracting βᵗ from 1 would cost float32 half its digits in the first steps.
 * @see Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2019, algorithm 2
 */
export const adamW = ({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = {}): Optimizer => ({
  slots: ["m", "v"],
  shared: { correction1: 0, correction2: 0 },
  advance: (shared) => ({
    correction1: blend(at(shared, "correction1"), beta1),
    correction2: blend(at(shared, "correction2"), beta2),
  }),
  step(p, grad, state, shared, lr, decay) {
    const m = blend(at(state, "m"), beta1, grad);
    const v = blend(at(state, "v"), beta2, mul(grad, grad));
    const mHat = div(m, at(shared, "correction1"));
    const vHat = div(v, at(shared, "correction2"));
    const move = div(mul(lr, mHat), add(sqrt(vHat), scalar(epsilon, p)));
    return { next: sub(decayed(p, lr, decay), move), state: { m, v } };
  },
});

/**
 * SGD with momentum and decoupled weight decay: `u ← μu + g`, `p ← p(1 − lr·λ) − lr·u`.
 * @see Sutskever et al., On the importance of initialization and momentum in deep learning, 2013 (PyTorch's form)
 */
export const sgd = ({ momentum = 0.9 } = {}): Optimizer => ({
  slots: ["u"],
  shared: {},
  advance: () => ({}),
  step(p, grad, state, _, lr, decay) {
    const u = add(mul(at(state, "u"), scalar(momentum, p)), grad);
    return { next: sub(decayed(p, lr, decay), mul(lr, u)), state: { u } };
  },
});

/**
 * Muon for a matrix `p` `[rows, columns]`: `m ← μm + (1−μ)g`, `u = μm + (1−μ)g`,
 * `p ← p(1 − lr·λ) − 0.2 · √max(rows, columns) · lr · O(u)`, where `O` makes a matrix nearly orthogonal. The factor gives
 * the update the size of AdamW's, so one learning rate serves both.
 * @throws Error where the parameter is no matrix
 * @see Jordan et al., Muon: An optimizer for hidden layers in neural networks, 2024; the factor: Liu et al., Muon is
 * scalable for LLM training, 2025, section 2.2; PyTorch's `torch.optim.Muon` with `adjust_lr_fn="match_rms_adamw"`
 */
export const muon = ({ momentum = 0.95 } = {}): Optimizer => ({
  slots: ["m"],
  shared: {},
  advance: () => ({}),
  step(p, grad, state, _, lr, decay) {
    if (p.shape.length !== 2) throw new Error(`Muon moves matrices only, got [${p.shape.join(", ")}]`);
    const m = blend(at(state, "m"), momentum, grad);
    const u = blend(m, momentum, grad);
    const size = scalar(0.2 * Math.sqrt(Math.max(...p.shape)), p);
    return { next: sub(decayed(p, lr, decay), mul(mul(lr, size), orthogonalize(u))), state: { m } };
  },
});

/**
 * A matrix with the singular vectors of `x` and singular values near 1: five Newton-Schulz steps
 * `x ← a·x + (b·G + c·G²)·x`, `G = x xᵀ`, from `x / ‖x‖`.
 */
function orthogonalize(x: Value): Value {
  const [a, b, c] = [3.4445, -4.775, 2.0315];
  const [rows, columns] = x.shape as readonly [number, number];
  // The products with the smaller side are the cheaper ones.
  const isTall = rows > columns;
  let y = div(x, add(sqrt(reduceSum(mul(x, x))), scalar(1e-7, x)));
  for (let i = 0; i < 5; i++) {
    const gram = matmul(y, y, { transA: isTall, transB: !isTall });
    const factor = add(mul(gram, scalar(b, x)), matmul(gram, gram, { alpha: c }));
    y = add(mul(y, scalar(a, x)), isTall ? matmul(y, factor) : matmul(factor, y));
  }
  return y;
}
