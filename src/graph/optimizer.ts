import { add, div, mul, scalar, sqrt, sub } from "./elementwise.js";
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

/** `p (1 − lr · decay)` */
const decayed = (p: Value, lr: Value, decay: number): Value =>
  decay === 0 ? p : mul(p, sub(scalar(1, p), mul(lr, scalar(decay, p))));

/**
 * AdamW: `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`, `p ← p(1 − lr·λ) − lr · m̂ / (√v̂ + ε)` with `m̂ = m/(1−β₁ᵗ)`,
 * `v̂ = v/(1−β₂ᵗ)`. The powers of β are shared states, so the graph needs no step count.
 * @see Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2019, algorithm 2
 */
export const adamW = ({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = {}): Optimizer => ({
  slots: ["m", "v"],
  shared: { beta1Power: 1, beta2Power: 1 },
  advance: (shared) => ({
    beta1Power: mul(at(shared, "beta1Power"), scalar(beta1, at(shared, "beta1Power"))),
    beta2Power: mul(at(shared, "beta2Power"), scalar(beta2, at(shared, "beta2Power"))),
  }),
  step(p, grad, state, shared, lr, decay) {
    const one = scalar(1, p);
    const m = add(mul(at(state, "m"), scalar(beta1, p)), mul(grad, scalar(1 - beta1, p)));
    const v = add(mul(at(state, "v"), scalar(beta2, p)), mul(mul(grad, grad), scalar(1 - beta2, p)));
    const mHat = div(m, sub(one, at(shared, "beta1Power")));
    const vHat = div(v, sub(one, at(shared, "beta2Power")));
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
