import { create } from "@bufbuild/protobuf";
import { largestHalf, narrowHalf } from "../graph/half.js";
import { toElementType } from "./element-type.js";
import type { Model, ModelWeight } from "./model.js";
import { AttributeProto_AttributeType as AttributeType, NodeProtoSchema, TensorProto_DataType } from "./onnx_pb.js";

const { FLOAT, FLOAT16 } = TensorProto_DataType;

/**
 * The model with weights and arithmetic in 16 bits, which consumes the one given. Inputs and outputs stay float32, as
 * transformers.js and everyone else feeds them; they are cast at both ends.
 */
export function halveModel({ proto, weights }: Model): Model {
  const { graph } = proto;
  for (const item of graph.initializer) {
    if (item.dataType !== FLOAT) continue;
    item.dataType = FLOAT16;
    item.rawData = halfBytes(item.rawData);
  }
  for (const { opType, attribute } of graph.node) {
    if (opType !== "Cast") continue;
    for (const item of attribute) if (item.name === "to" && item.i === BigInt(FLOAT)) item.i = BigInt(FLOAT16);
  }
  const cast = (input: string, output: string, to: number) =>
    create(NodeProtoSchema, {
      name: `${output}/Cast`,
      opType: "Cast",
      input: [input],
      output: [output],
      attribute: [{ name: "to", type: AttributeType.INT, i: BigInt(to) }],
    });
  const inside = new Map([...graph.input, ...graph.output].map(({ name }) => [name, `${name}/half`]));
  const rename = (names: string[]): string[] => names.map((name) => inside.get(name) ?? name);
  for (const node of graph.node) {
    node.input = rename(node.input);
    node.output = rename(node.output);
  }
  graph.node = [
    ...graph.input.map(({ name }) => cast(name, `${name}/half`, FLOAT16)),
    ...graph.node,
    ...graph.output.map(({ name }) => cast(`${name}/half`, name, FLOAT)),
  ];
  return { proto, weights: weights.map(halveWeight) };
}

const halveWeight = (weight: ModelWeight): ModelWeight =>
  weight.dataType !== toElementType("float32")
    ? weight
    : { ...weight, dataType: FLOAT16, byteLength: weight.byteLength / 2, bytes: () => halfBytes(weight.bytes()) };

/** Numbers beyond the range of 16 bits become its largest, not infinite. */
function halfBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const numbers = new Float32Array(bytes.slice().buffer);
  for (let i = 0; i < numbers.length; i++) {
    const x = numbers[i] as number;
    if (x > largestHalf) numbers[i] = largestHalf;
    else if (x < -largestHalf) numbers[i] = -largestHalf;
  }
  return new Uint8Array(narrowHalf(numbers).buffer);
}
