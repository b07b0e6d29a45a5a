import { broadcastOffsets, broadcastShapes } from "./broadcast.js";
import { mul, scalar } from "./elementwise.js";
import { transpose } from "./layout.js";
import { apply, defineOp, type Float64Tensor, misshapen, type Op, only } from "./op.js";
import { elementCount, type Shape, sameShape } from "./tensor.js";
import type { Value } from "./value.js";

type Flags = { readonly transA: number; readonly transB: number };
type Scaled = Flags & { readonly alpha: number };

const swapLast = (shape: Shape): Shape => [...shape.slice(0, -2), ...shape.slice(-2).reverse()];

/** Shape of a product over the last two axes, the axes before them broadcast. */
function productShape(type: string, inputs: readonly Value[], { transA, transB }: Flags): Shape {
  const [a, b] = inputs as readonly [Value, Value];
  const [x, y] = [transA ? swapLast(a.shape) : a.shape, transB ? swapLast(b.shape) : b.shape];
  const batch = broadcastShapes(x.slice(0, -2), y.slice(0, -2));
  if (x.length < 2 || y.length < 2 || !batch || x.at(-1) !== y.at(-2) || a.dtype !== b.dtype) {
    throw misshapen(
      type,
      inputs,
      `matrices that fit${transA ? ", the first transposed" : ""}${transB ? ", the second transposed" : ""}`,
    );
  }
  return [...batch, x.at(-2) as number, y.at(-1) as number];
}

/** The product in float64, three loops. */
function multiply(a: Float64Tensor, b: Float64Tensor, { transA, transB }: Flags, shape: Shape): Float64Array {
  const [rows, columns] = shape.slice(-2) as [number, number];
  const inner = a.shape.at(transA ? -2 : -1) as number;
  const batch = shape.slice(0, -2);
  const [startA, startB] = [a, b].map((x) => broadcastOffsets(x.shape.slice(0, -2), batch)) as [Int32Array, Int32Array];
  const [stepA, nextA] = transA ? [1, rows] : [inner, 1];
  const [stepB, nextB] = transB ? [inner, 1] : [1, columns];
  const result = new Float64Array(elementCount(shape));
  for (let i = 0, at = 0; i < startA.length; i++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, at++) {
        const fromA = (startA[i] as number) * rows * inner + row * stepA;
        const fromB = (startB[i] as number) * inner * columns + column * stepB;
        let sum = 0;
        for (let k = 0; k < inner; k++) {
          sum += (a.data[fromA + k * nextA] as number) * (b.data[fromB + k * nextB] as number);
        }
        result[at] = sum;
      }
    }
  }
  return result;
}

/** Gradients of `y = op(a) op(b)`: `d op(a) = dy op(b)ᵀ`, `d op(b) = op(a)ᵀ dy`, transposed back where `op` transposes. */
function gradients(dy: Value, inputs: readonly Value[], flags: Flags, product: typeof matmul): [Value, Value] {
  const [a, b] = inputs as readonly [Value, Value];
  const [transA, transB] = [flags.transA === 1, flags.transB === 1];
  return [
    transA ? product(b, dy, { transA: transB, transB: true }) : product(dy, b, { transB: !transB }),
    transB ? product(dy, a, { transA: true, transB: transA }) : product(a, dy, { transA: !transA }),
  ];
}

const matMulOp: Op = defineOp("MatMul", {
  infer: (inputs) => [{ shape: productShape("MatMul", inputs, noFlags), dtype: (inputs[0] as Value).dtype }],
  backward: ({ inputs, grads }) => gradients(only(grads) as Value, inputs, noFlags, matmul),
  evaluate: ([a, b], _, outputs) => [multiply(a as Float64Tensor, b as Float64Tensor, noFlags, only(outputs).shape)],
});
const noFlags: Flags = { transA: 0, transB: 0 };

const fusedMatMulOp = defineOp<Scaled>("FusedMatMul", {
  infer: (inputs, flags) => [{ shape: productShape("FusedMatMul", inputs, flags), dtype: (inputs[0] as Value).dtype }],
  backward: ({ inputs, grads, attributes }) =>
    gradients(only(grads) as Value, inputs, attributes, (a, b, flags) =>
      matmul(a, b, { ...flags, alpha: attributes.alpha }),
    ),
  evaluate: ([a, b], attributes, outputs) => [
    multiply(a as Float64Tensor, b as Float64Tensor, attributes, only(outputs).shape).map((x) => x * attributes.alpha),
  ],
  expand(inputs, { transA, transB, alpha }) {
    const [a, b] = inputs as readonly [Value, Value];
    const y = matmul(transA ? transposeLast(a) : a, transB ? transposeLast(b) : b);
    return [alpha === 1 ? y : mul(y, scalar(alpha, y))];
  },
});

const transposeLast = (x: Value): Value => transpose(x, swapLast([...x.shape.keys()]));

/** Whether factors are transposed (their last two axes) before they are multiplied, and by what the product is scaled. */
export interface ProductOptions {
  readonly transA?: boolean;
  readonly transB?: boolean;
  /** default 1 */
  readonly alpha?: number;
}

/** `alpha · op(a) op(b)` over the last two axes `[…, m, k] […, k, n] → […, m, n]`, those before them broadcast. */
export function matmul(a: Value, b: Value, { transA = false, transB = false, alpha = 1 }: ProductOptions = {}): Value {
  if (!transA && !transB && alpha === 1) return apply(matMulOp, [a, b], {});
  return apply(fusedMatMulOp, [a, b], { transA: Number(transA), transB: Number(transB), alpha });
}

const gemmOp = defineOp<Flags>("Gemm", {
  infer(inputs, flags) {
    const shape = productShape("Gemm", inputs.slice(0, 2), flags);
    const [{ dtype }, , c] = inputs as readonly [Value, Value, Value?];
    const fits = !c || (c.dtype === dtype && sameShape(broadcastShapes(c.shape, shape) ?? [], shape));
    if (shape.length !== 2 || !fits)
      throw misshapen("Gemm", inputs, "two matrices that fit and a bias that broadcasts to their product");
    return [{ shape, dtype }];
  },
  backward: ({ inputs, grads, attributes }) => [
    ...gradients(only(grads) as Value, inputs, attributes, gemm),
    ...(inputs.length > 2 ? [only(grads)] : []),
  ],
  evaluate([a, b, c], attributes, outputs) {
    const { shape } = only(outputs);
    const y = multiply(a as Float64Tensor, b as Float64Tensor, attributes, shape);
    const at = c && broadcastOffsets(c.shape, shape);
    return [c && at ? y.map((x, i) => x + (c.data[at[i] as number] as number)) : y];
  },
});

/** `op(a) op(b) + bias` for two matrices; the bias is optional and broadcast. */
export function gemm(
  a: Value,
  b: Value,
  options: Omit<ProductOptions, "alpha"> & { readonly bias?: Value } = {},
): Value {
  const { transA = false, transB = false, bias } = options;
  return apply(gemmOp, bias ? [a, b, bias] : [a, b], { transA: Number(transA), transB: Number(transB) });
}
