import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Model, ModelWeight } from "./model.js";
import {
  AttributeProto_AttributeType as AttributeType,
  type NodeProto,
  NodeProtoSchema,
  TensorProto_DataType,
  TensorProtoSchema,
} from "./onnx_pb.js";

const { FLOAT, INT64, UINT8 } = TensorProto_DataType;

/**
 * The model with the products of linear maps in 8-bit integers, which consumes the one given. `x Wᵀ + b` becomes
 * `s_x s_w ⊙ (X̂ − 128)(Ŵ − 128) + b`: each row of the input is rounded at run time with a step of its own,
 * `s_x = max|x| / 127`, and so is each output's row of the kernel, once. So an image's result does not depend on the images
 * beside it, which one step for the whole input would not give, nor nearly the accuracy. Operators are ONNX's own. Bytes
 * are unsigned with the zero point 128: the same numbers as signed ones, but no processor adds pairs of their products in
 * 16 bits.
 * @param isQuantized which weights, by name
 * @see https://onnx.ai/onnx/operators/onnx__MatMulInteger.html
 */
export function quantizeModel({ proto, weights }: Model, isQuantized: (name: string) => boolean): Model {
  const { graph } = proto;
  const byName = new Map(weights.map((weight) => [weight.name, weight]));
  const replaced = new Map<string, readonly ModelWeight[]>();
  const quantized = new Set<string>();
  graph.node = graph.node.flatMap((node) => {
    const [x = "", w = "", bias] = node.input;
    const weight = byName.get(w);
    const isTransposed = node.attribute.some(({ name, i }) => name === "transB" && i === 1n);
    if (node.opType !== "Gemm" || !weight || !isTransposed || !isQuantized(w)) return [node];
    replaced.set(w, quantize(weight));
    const { name, output } = node;
    const isNew = !quantized.has(x);
    quantized.add(x);
    const step = (opType: string, input: string[], to: string, attribute = {}): NodeProto =>
      make({ name: `${name}/${opType}/${to}`, opType, input, output: [to], ...attribute });
    return [
      ...(isNew ? quantizeInput(x) : []),
      step("MatMulInteger", [`${x}/uint8`, `${w}/uint8`, zeroName, `${w}/zero`], `${name}/int32`),
      step("Cast", [`${name}/int32`], `${name}/float`, {
        attribute: [{ name: "to", type: AttributeType.INT, i: BigInt(FLOAT) }],
      }),
      step("Mul", [`${name}/float`, `${w}/scale`], `${name}/scaled`),
      step("Mul", [`${name}/scaled`, `${x}/largest`], bias === undefined ? (output[0] as string) : `${name}/product`),
      ...(bias === undefined ? [] : [step("Add", [`${name}/product`, bias], output[0] as string)]),
    ];
  });
  if (quantized.size > 0) graph.initializer.push(...constants());
  return { proto, weights: weights.flatMap((weight) => replaced.get(weight.name) ?? [weight]) };
}

const make = (init: MessageInitShape<typeof NodeProtoSchema>): NodeProto => create(NodeProtoSchema, init);

const [zeroName, stepName, axisName] = ["int8/zero", "int8/step", "int8/axis"] as const;

/** What all quantized maps share: the zero point 128, the step 1/127, and the last axis. */
const constants = () =>
  [
    { name: zeroName, dataType: UINT8, rawData: Uint8Array.of(128) },
    { name: stepName, dataType: FLOAT, rawData: new Uint8Array(Float32Array.of(1 / 127).buffer) },
    { name: axisName, dataType: INT64, dims: [1n], rawData: new Uint8Array(BigInt64Array.of(-1n).buffer) },
  ].map((init) => create(TensorProtoSchema, init));

/** `x̂ = round(127 x / max|x|) + 128`, with the largest of each row. */
function quantizeInput(x: string): readonly NodeProto[] {
  const step = (opType: string, input: string[], output: string): NodeProto =>
    make({ name: `${x}/${opType}`, opType, input, output: [`${x}/${output}`] });
  return [
    step("Abs", [x], "abs"),
    step("ReduceMax", [`${x}/abs`, axisName], "largest"),
    step("Div", [x, `${x}/largest`], "fraction"),
    step("QuantizeLinear", [`${x}/fraction`, stepName, zeroName], "uint8"),
  ];
}

/** A kernel `[out, in]` as `[in, out]` in bytes, with scale and zero point of each output. */
function quantize(weight: ModelWeight): readonly ModelWeight[] {
  const [outputs, inputs] = weight.shape as readonly [number, number];
  const scales = (kernel: Float32Array): Float32Array =>
    Float32Array.from({ length: outputs }, (_, row) => {
      let largest = 0;
      for (let i = 0; i < inputs; i++) largest = Math.max(largest, Math.abs(kernel[row * inputs + i] as number));
      return (largest === 0 ? 1 : largest) / 127;
    });
  const kernelOf = (): Float32Array => new Float32Array(weight.bytes().slice().buffer);
  const rounded = (): Uint8Array => {
    const kernel = kernelOf();
    const scale = scales(kernel);
    const bytes = new Uint8Array(kernel.length);
    for (let row = 0; row < outputs; row++) {
      for (let i = 0; i < inputs; i++) {
        bytes[i * outputs + row] = 128 + Math.round((kernel[row * inputs + i] as number) / (scale[row] as number));
      }
    }
    return bytes;
  };
  const part = (name: string, dataType: number, shape: number[], size: number, bytes: () => Uint8Array) => ({
    name: `${weight.name}/${name}`,
    dataType,
    shape,
    byteLength: size * shape.reduce((a, b) => a * b, 1),
    bytes,
  });
  return [
    part("uint8", UINT8, [inputs, outputs], 1, rounded),
    part("scale", FLOAT, [outputs], 4, () => new Uint8Array(scales(kernelOf()).map((s) => s / 127).buffer)),
    part("zero", UINT8, [outputs], 1, () => new Uint8Array(outputs).fill(128)),
  ];
}
