import { create } from "@bufbuild/protobuf";
import type { Attributes } from "../graph/value.js";
import { toProto } from "./attributes.js";
import { toElementType } from "./element-type.js";
import type { Model } from "./model.js";
import { type NodeProto, NodeProtoSchema, TensorProtoSchema } from "./onnx_pb.js";

/** How images of any size become those that a network takes. */
export interface Resizing {
  readonly height: number;
  readonly width: number;
  /** The shorter side is brought to this size first, and the middle cut out; undefined: both sides are resized directly. */
  readonly short?: number | undefined;
  readonly filter: "bilinear" | "bicubic";
}

/**
 * The model for images of any size `[batch_size, 3, height, width]`, pixels from 0 to 255, which consumes the one given. It
 * resizes as Pillow and this project do: `Y = round(R_h round(X R_wᵀ))`, where row `i` of `R` weighs the pixels around
 * `(i + ½ + offset) · scale` by the filter, stretched where the image becomes smaller. Every runtime has these
 * operators, and all of them give the same.
 * @see https://github.com/python-pillow/Pillow `src/libImaging/Resample.c`
 */
export function resizeModel({ proto, weights }: Model, input: string, resizing: Resizing): Model {
  const { graph } = proto;
  const nodes: NodeProto[] = [];
  let count = 0;
  const run = (opType: string, from: readonly string[], attributes: Attributes = {}): string => {
    const name = `resize/${opType}_${count++}`;
    const attribute = Object.entries(attributes).map(([key, value]) => toProto(key, value));
    nodes.push(create(NodeProtoSchema, { name, opType, input: [...from], output: [name], attribute }));
    return name;
  };
  const put = (type: "float32" | "int64", dims: readonly number[], values: readonly number[]): string => {
    const name = `resize/constant_${count++}`;
    const data = type === "int64" ? BigInt64Array.from(values, BigInt) : Float32Array.from(values);
    const rawData = new Uint8Array(data.buffer);
    const init = { name, dims: dims.map(BigInt), dataType: toElementType(type), rawData };
    graph.initializer.push(create(TensorProtoSchema, init));
    return name;
  };
  const number = (value: number): string => put("float32", [], [value]);
  const whole = (value: number): string => put("int64", [1], [value]);
  const float = (value: string): string => run("Cast", [value], { to: "float32" });

  const sizes = [2, 3].map((axis) => run("Shape", [input], { start: axis, end: axis + 1 })) as [string, string];
  const shorter = run("Min", sizes);

  /** How much each pixel of a side weighs for each of the new ones, `[to, from]`. */
  const weightsFor = (size: string, to: number): string => {
    let scale = run("Div", [float(size), number(to)]);
    let places = put(
      "float32",
      [to, 1],
      Array.from({ length: to }, (_, i) => i + 0.5),
    );
    if (resizing.short !== undefined) {
      const all = run("Div", [run("Mul", [size, whole(resizing.short)]), shorter]);
      // Half of what is cut off, a tie going to the even number.
      const rest = run("Sub", [all, whole(to)]);
      const half = run("Div", [rest, whole(2)]);
      const tie = run("Mul", [run("Mod", [rest, whole(2)]), run("Mod", [half, whole(2)])]);
      places = run("Add", [places, float(run("Add", [half, tie]))]);
      scale = run("Div", [float(size), float(all)]);
    }
    const pixels = run("Range", [put("int64", [], [0]), run("Squeeze", [size]), put("int64", [], [1])]);
    const centres = run("Add", [float(pixels), number(0.5)]);
    const stretch = run("Max", [scale, number(1)]);
    const distance = run("Div", [run("Abs", [run("Sub", [centres, run("Mul", [places, scale])])]), stretch]);
    const heights = resizing.filter === "bicubic" ? cubic(distance) : run("Relu", [run("Sub", [number(1), distance])]);
    return run("Div", [heights, run("ReduceSum", [heights, whole(1)], { keepdims: 1 })]);
  };
  /** Coefficients from the highest power down. */
  const polynomial = (x: string, [first, ...rest]: readonly number[]): string =>
    rest.reduce((sum, c) => run("Add", [run("Mul", [sum, x]), number(c)]), number(first ?? 0));
  /** Keys' cubic with a = −½. */
  const cubic = (x: string): string => {
    const outer = run("Where", [run("Less", [x, number(2)]), polynomial(x, [-0.5, 2.5, -4, 2]), number(0)]);
    return run("Where", [run("Less", [x, number(1)]), polynomial(x, [1.5, -2.5, 0, 1]), outer]);
  };
  const rounded = (x: string): string => run("Clip", [run("Round", [x]), number(0), number(255)]);

  const across = run("Transpose", [weightsFor(sizes[1], resizing.width)], { perm: [1, 0] });
  const wide = rounded(run("MatMul", [input, across]));
  const resized = rounded(run("MatMul", [weightsFor(sizes[0], resizing.height), wide]));

  for (const node of graph.node) node.input = node.input.map((name) => (name === input ? resized : name));
  graph.node = [...nodes, ...graph.node];
  const shape = graph.input.find(({ name }) => name === input)?.type?.value;
  if (shape?.case !== "tensorType") throw new Error(`the model has no input ${input}`);
  for (const [axis, name] of [
    [2, "height"],
    [3, "width"],
  ] as const) {
    const dim = shape.value.shape?.dim[axis];
    if (dim) dim.value = { case: "dimParam", value: name };
  }
  return { proto, weights };
}
