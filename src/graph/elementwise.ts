import { broadcastOffsets, broadcastShapes } from "./broadcast.js";
import { apply, defineOp, type Float64Tensor, misshapen, type Op, only } from "./op.js";
import { type DType, elementCount, type Shape, tensorOf } from "./tensor.js";
import { type Computed, constant, type Value } from "./value.js";

/** An operator that keeps the shape. */
export type Unary = (x: Value) => Computed;
/** An operator of two values whose shapes broadcast. */
export type Binary = (a: Value, b: Value) => Computed;

/** An operator on single elements, with its derivative in terms of input, output and gradient. */
function unary(type: string, f: (x: number) => number, derivative: (dy: Value, x: Value, y: Value) => Value): Unary {
  const op: Op = defineOp(type, {
    infer: (inputs) => [only(inputs)],
    backward: ({ inputs, outputs, grads }) => [derivative(only(grads) as Value, only(inputs), only(outputs))],
    evaluate: (inputs) => [only(inputs).data.map(f)],
  });
  return (x) => apply(op, [x], {});
}

/** An operator on pairs of elements, broadcast as NumPy does. */
function binary(
  type: string,
  f: (a: number, b: number) => number,
  derivatives: (dy: Value, a: Value, b: Value, y: Value) => readonly [Value, Value],
): Binary {
  const op: Op = defineOp(type, {
    infer(inputs) {
      const [a, b] = inputs as readonly [Value, Value];
      const shape = broadcastShapes(a.shape, b.shape);
      if (!shape || a.dtype !== b.dtype) throw misshapen(type, inputs, "two shapes that broadcast, of one type");
      return [{ shape, dtype: a.dtype }];
    },
    backward({ inputs: [a, b], outputs, grads }) {
      return derivatives(only(grads) as Value, a as Value, b as Value, only(outputs));
    },
    evaluate: (inputs, _, outputs) => [zip(f, inputs, only(outputs).shape)],
  });
  return (a, b) => apply(op, [a, b], {});
}

/** `f` of each pair of elements of two tensors, broadcast to `shape`. */
function zip(f: (a: number, b: number) => number, inputs: readonly Float64Tensor[], shape: Shape): Float64Array {
  const [a, b] = inputs.map((x) =>
    Float64Array.from(broadcastOffsets(x.shape, shape), (at) => x.data[at] as number),
  ) as [Float64Array, Float64Array];
  return Float64Array.from(a, (x, i) => f(x, b[i] as number));
}

/** A scalar constant of the type of `like`. */
export const scalar = (value: number, like: { readonly dtype: DType }): Value =>
  constant(tensorOf(like.dtype, [], [value]));

/** A tensor of one repeated number, of the type of `like`. */
export const filled = (shape: readonly number[], value: number, like: { readonly dtype: DType }): Value =>
  constant(tensorOf(like.dtype, shape, new Float64Array(elementCount(shape)).fill(value)));

/** `a + b` */
export const add = binary(
  "Add",
  (a, b) => a + b,
  (dy) => [dy, dy],
);
/** `a − b` */
export const sub = binary(
  "Sub",
  (a, b) => a - b,
  (dy) => [dy, neg(dy)],
);
/** `a · b`, element by element */
export const mul = binary(
  "Mul",
  (a, b) => a * b,
  (dy, a, b) => [mul(dy, b), mul(dy, a)],
);
/** `a / b`; the gradient of `b` is `−dy · y / b` */
export const div = binary(
  "Div",
  (a, b) => a / b,
  (dy, _, b, y) => [div(dy, b), neg(div(mul(dy, y), b))],
);
/** `−x` */
export const neg = unary(
  "Neg",
  (x) => -x,
  (dy) => neg(dy),
);
/** `eˣ` */
export const exp = unary("Exp", Math.exp, (dy, _, y) => mul(dy, y));
/** `ln x` */
export const log = unary("Log", Math.log, (dy, x) => div(dy, x));
/** `√x`; at 0 the gradient is infinite, as in every framework */
export const sqrt = unary("Sqrt", Math.sqrt, (dy, _, y) => div(mul(scalar(0.5, dy), dy), y));
/** `erf x = 2/√π ∫₀ˣ e^(−t²) dt`; `d/dx = 2/√π · e^(−x²)` */
export const erf = unary("Erf", erfOf, (dy, x) => mul(dy, mul(scalar(2 / Math.sqrt(Math.PI), x), exp(neg(mul(x, x))))));

/**
 * `min(a, b)`. Where the two are equal the gradient goes to `a`: both ONNX and PyTorch leave that open or split it,
 * and our only use, the clipping factor, has a constant for `b`.
 */
export const min = binary("Min", Math.min, (dy, a, b) => {
  const takesA = cast(lessOrEqual(a, b), dy.dtype);
  return [mul(dy, takesA), mul(dy, sub(scalar(1, dy), takesA))];
});

const lessOrEqualOp: Op = defineOp("LessOrEqual", {
  infer(inputs) {
    const [a, b] = inputs as readonly [Value, Value];
    const shape = broadcastShapes(a.shape, b.shape);
    if (!shape || a.dtype !== b.dtype) throw misshapen("LessOrEqual", inputs, "two shapes that broadcast, of one type");
    return [{ shape, dtype: "bool" }];
  },
  evaluate: (inputs, _, outputs) => [zip((a, b) => Number(a <= b), inputs, only(outputs).shape)],
});

/** `a ≤ b` as `bool`; has no gradient. */
export const lessOrEqual: Binary = (a, b) => apply(lessOrEqualOp, [a, b], {});

const castOp = defineOp<{ readonly to: DType }>("Cast", {
  infer: (inputs, { to }) => [{ shape: only(inputs).shape, dtype: to }],
  // Only between the float types does a gradient pass.
  backward: ({ inputs, grads, attributes: { to } }) => [
    isFloat(only(inputs).dtype) && isFloat(to) ? cast(only(grads) as Value, only(inputs).dtype) : undefined,
  ],
  evaluate: (inputs, { to }) => [
    isFloat(to) ? only(inputs).data : only(inputs).data.map((x) => (to === "bool" ? Number(x !== 0) : Math.trunc(x))),
  ],
});

const isFloat = (dtype: DType): boolean => dtype.startsWith("float");

/** `x` converted to another element type, cut towards zero for an integer type; `x` itself where it has that type. */
export const cast = (x: Value, to: DType): Value => (x.dtype === to ? x : apply(castOp, [x], { to }));

/** erf in double precision (W. J. Cody, Math. Comp. 23, 1969): rational forms on three intervals, error below 1e-15. */
function erfOf(x: number): number {
  const y = Math.abs(x);
  if (y <= 0.46875) return x * ratio(y * y, erfSmall);
  if (y >= 6) return Math.sign(x);
  const tail = y <= 4 ? ratio(y, erfcMiddle) : (Math.sqrt(1 / Math.PI) - ratio(1 / (y * y), erfcLarge) / (y * y)) / y;
  return Math.sign(x) * (1 - Math.exp(-y * y) * tail);
}

type Ratio = readonly [numerator: readonly number[], denominator: readonly number[]];

/** A quotient of two polynomials, coefficients from the highest power down. */
const ratio = (x: number, [p, q]: Ratio): number => horner(p, x) / horner(q, x);
const horner = (coefficients: readonly number[], x: number): number => coefficients.reduce((sum, c) => sum * x + c, 0);

const erfSmall: Ratio = [
  [0.18577770618460315, 3.1611237438705655, 113.86415415105016, 377.485237685302, 3209.3775891384694],
  [1, 23.601290952344122, 244.02463793444417, 1282.6165260773723, 2844.236833439171],
];
const erfcMiddle: Ratio = [
  [
    2.1531153547440383e-8, 0.5641884969886701, 8.883149794388377, 66.11919063714163, 298.6351381974001,
    881.952221241769, 1712.0476126340707, 2051.0783778260716, 1230.3393547979972,
  ],
  [
    1, 15.744926110709835, 117.6939508913125, 537.1811018620099, 1621.3895745666903, 3290.7992357334597,
    4362.619090143247, 3439.3676741437216, 1230.3393548037495,
  ],
];
const erfcLarge: Ratio = [
  [
    0.016315387137302097, 0.30532663496123236, 0.36034489994980445, 0.12578172611122926, 0.016083785148742275,
    0.0006587491615298378,
  ],
  [1, 2.568520192289822, 1.8729528499234673, 0.5279051029514285, 0.06051834131244132, 0.0023352049762686918],
];
