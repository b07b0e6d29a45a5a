import { add, div, exp, gelu, min, mul, scalar, type Value } from "../graph/index.js";
import type { Activation } from "./architecture.js";

/** `x / (1 + e^(−v))`; the exponent is held below 40, where the result is 0 in any precision and no gradient overflows. */
function gate(x: Value, v: Value): Value {
  const exponent = min(mul(v, scalar(-1, v)), scalar(40, v));
  return div(x, add(exp(exponent), scalar(1, x)));
}

/** `x / (1 + e^(−1.702 x))`. @see Hendrycks and Gimpel, Gaussian Error Linear Units (GELUs), 2016 */
export const quickGelu = (x: Value): Value => gate(x, mul(x, scalar(1.702, x)));

/** `½ x (1 + tanh u)`, `u = √(2/π) (x + 0.044715 x³)`, which is `x / (1 + e^(−2u))`. @see the same paper */
function geluTanh(x: Value): Value {
  const cubic = add(mul(mul(mul(x, x), x), scalar(0.044715, x)), x);
  return gate(x, mul(cubic, scalar(2 * Math.sqrt(2 / Math.PI), x)));
}

/** The function between the two maps of the MLP. */
export const activations: Readonly<Record<Activation, (x: Value) => Value>> = {
  gelu,
  "gelu-tanh": geluTanh,
  "quick-gelu": quickGelu,
};
