import type { Shape } from "../graph/tensor.js";
import type { Value } from "../graph/value.js";
import type { Architecture } from "../vit/architecture.js";
import type { Adaptation } from "../vit/site.js";

/** A trained tensor of a method. */
export interface MethodParameter {
  readonly name: string;
  readonly shape: Shape;
  /** Tensors of one group share a learning rate and a weight decay. */
  readonly group: string;
  /**
   * The first values, row by row; `"backbone"` takes the checkpoint's tensor of that name.
   * @param normal draws from N(0, 1), a stream of its own for each tensor
   */
  readonly initial: "backbone" | ((normal: () => number) => ArrayLike<number>);
}

/** A way of fine-tuning: what it trains, and what that does to the network. One file each. */
export interface Method<Options> {
  readonly name: string;
  /** The paper it is from. */
  readonly source: string;
  /** True where the adapted network equals the frozen one before the first step. */
  readonly startsAsIdentity: boolean;
  /** True where the adapted network can be written as a plain one. */
  readonly folds: boolean;
  /** Options for an architecture, with what is left out filled in. @throws ConfigError where they make no sense */
  resolve(a: Architecture, given: Partial<Options>): Options;
  /** Trained numbers, head excluded, by formula. */
  count(a: Architecture, options: Options): number;
  /** Trained tensors, head excluded. */
  parameters(a: Architecture, options: Options): readonly MethodParameter[];
  /** The answers at the network's sites, from the values of the parameters. */
  adapt(a: Architecture, options: Options, value: (name: string) => Value): Adaptation;
}

/** First values that are all zero. */
export const zerosOf = (shape: Shape) => (): Float64Array => new Float64Array(shape.reduce((a, b) => a * b, 1));

/** First values that are all the same. */
export const constantOf = (shape: Shape, value: number) => (): Float64Array => zerosOf(shape)().fill(value);

/** First values uniform in (−bound, bound): `exp(−(z₁² + z₂²)/2)` of two normal draws is uniform in (0, 1). */
export const uniformOf =
  (shape: Shape, bound: number) =>
  (normal: () => number): Float64Array =>
    zerosOf(shape)().map(() => bound * (2 * Math.exp(-(normal() ** 2 + normal() ** 2) / 2) - 1));

/** First values uniform in ±√(6 / (in + out)) of a matrix. @see Glorot and Bengio, 2010 */
export const xavierOf = (shape: readonly [number, number]) => uniformOf(shape, Math.sqrt(6 / (shape[0] + shape[1])));

/** First values of PyTorch's linear map, uniform in ±1/√in. @param shape `[in, out]` */
export const kaimingOf = (shape: readonly [number, number]) => uniformOf(shape, shape[0] ** -0.5);

/** First values from N(0, deviation²). */
export const normalOf =
  (shape: Shape, deviation: number) =>
  (normal: () => number): Float64Array =>
    zerosOf(shape)().map(() => deviation * normal());
