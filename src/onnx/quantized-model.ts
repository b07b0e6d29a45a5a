import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Model, ModelWeight } from "./model.js";
import {
  AttributeProto_AttributeType as AttributeType,
  type NodeProto,
  NodeProtoSchema,
  TensorProto_DataType,
} from "./onnx_pb.js";

const { FLOAT, UINT8 } = TensorProto_DataType;

/**
 * The model with the products of linear maps in 8-bit integers, which consumes the one given. `x Wᵀ + b` becomes
 * `s_x s_w ⊙ (x̂ − z)(Ŵ − 128) + b`: the input's scale and zero point are found at run time for the tensor as a whole, each
 * output has a scale of its own, `s_w = max|w| / 127`. Operators are ONNX's own. Weights are unsigned with the
 * zero point 128: the same numbers as signed ones, but no processor adds pairs of products in 16 bits for them.
 * @param isQuantized which weights, by name
 * @see https://onnx.ai/onnx/operators/onnx__DynamicQuantizeLinear.html
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
      ...(isNew ? [quantizeInput(x)] : []),
      step("MatMulInteger", [`${x}/uint8`, `${w}/uint8`, `${x}/zero`, `${w}/zero`], `${name}/int32`),
      step("Cast", [`${name}/int32`], `${name}/float`, {
        attribute: [{ name: "to", type: AttributeType.INT, i: BigInt(FLOAT) }],
      }),
      step("Mul", [`${x}/scale`, `${w}/scale`], `${name}/scale`),
      step("Mul", [`${name}/float`, `${name}/scale`], bias === undefined ? (output[0] as string) : `${name}/product`),
      ...(bias === undefined ? [] : [step("Add", [`${name}/product`, bias], output[0] as string)]),
    ];
  });
  return { proto, weights: weights.flatMap((weight) => replaced.get(weight.name) ?? [weight]) };
}

const make = (init: MessageInitShape<typeof NodeProtoSchema>): NodeProto => create(NodeProtoSchema, init);

const quantizeInput = (x: string): NodeProto =>
  make({
    name: `${x}/DynamicQuantizeLinear`,
    opType: "DynamicQuantizeLinear",
    input: [x],
    output: [`${x}/uint8`, `${x}/scale`, `${x}/zero`],
  });

/** A kernel `[out, in]` as `[in, out]` in bytes, with scale and zero point of each output. */
function quantize(weight: ModelWeight): readonly ModelWeight[] {
  const [outputs, inputs] = weight.shape as readonly [number, number];
  const scales = (kernel: Float32Array): Float32Array =>
    Float32Array.from({ length: outputs }, (_, row) => {
      let largest = 0;
      for (let i = 0; i < inputs; i++) largest = Math.max(largest, Math.abs(kernel[row * inputs + i] as number));
      return largest === 0 ? 1 : largest / 127;
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
    part("scale", FLOAT, [outputs], 4, () => new Uint8Array(scales(kernelOf()).buffer)),
    part("zero", UINT8, [outputs], 1, () => new Uint8Array(outputs).fill(128)),
  ];
}
