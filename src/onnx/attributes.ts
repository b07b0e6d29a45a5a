import type { MessageInitShape } from "@bufbuild/protobuf";
import type { DType } from "../graph/tensor.js";
import type { Attributes } from "../graph/value.js";
import { fromElementType, toElementType } from "./element-type.js";
import { type AttributeProto, type AttributeProtoSchema, AttributeProto_AttributeType as Type } from "./onnx_pb.js";

type Attribute = Attributes[string];

/**
 * What ONNX passes as int64 inputs behind an operator's own and our graphs keep as attributes, because it never
 * depends on data. An operator that is not listed has the same inputs and attributes here and there.
 * @see https://onnx.ai/onnx/operators/ (opset 21)
 */
const operands: Readonly<Record<string, readonly string[]>> = {
  Expand: ["shape"],
  Pad: ["pads"],
  ReduceL2: ["axes"],
  ReduceMax: ["axes"],
  ReduceMean: ["axes"],
  ReduceMin: ["axes"],
  ReduceSum: ["axes"],
  ReduceSumSquare: ["axes"],
  Reshape: ["shape"],
  Slice: ["starts", "ends", "axes", "steps"],
  Split: ["split"],
  Squeeze: ["axes"],
  Tile: ["repeats"],
  Unsqueeze: ["axes"],
};

/** Attributes that are FLOAT in every operator that has them; any other number is an INT. */
const floats = new Set(["alpha", "beta", "bias", "epsilon", "gamma", "lambd", "ratio", "scale", "softcap"]);

/** Attributes that are an element type: its name here, a number in ONNX. */
const elementTypes = new Set(["to"]);

/** Operators of ONNX Runtime's own domain; all others are ONNX's. */
const microsoft = new Set(["FusedMatMul"]);

/** The domain of an operator; empty for ONNX's own. */
export const domainOf = (type: string): string => (microsoft.has(type) ? "com.microsoft" : "");

/** Names of the attributes that ONNX wants as int64 inputs, in their order. */
export const operandsOf = (type: string): readonly string[] => operands[type] ?? [];

/** An attribute as ONNX writes it. */
export function toProto(name: string, value: Attribute): MessageInitShape<typeof AttributeProtoSchema> {
  if (elementTypes.has(name)) return { name, type: Type.INT, i: BigInt(toElementType(value as DType)) };
  if (typeof value === "string") return { name, type: Type.STRING, s: new TextEncoder().encode(value) };
  if (typeof value !== "number") return { name, type: Type.INTS, ints: value.map(BigInt) };
  return floats.has(name) ? { name, type: Type.FLOAT, f: value } : { name, type: Type.INT, i: BigInt(value) };
}

/** The attribute that ONNX wrote; undefined for kinds that our graphs do not have. */
export function fromProto({ name, type, i, f, s, ints }: AttributeProto): Attribute | undefined {
  if (elementTypes.has(name)) return type === Type.INT ? fromElementType(Number(i)) : undefined;
  if (type === Type.STRING) return new TextDecoder("utf-8", { fatal: true }).decode(s);
  if (type === Type.INTS) return ints.map(Number);
  if (type === Type.INT) return Number(i);
  // Written as float32: the shortest decimal that rounds to it is the number that was meant, 1e-6 and not 9.99…e-7.
  return type === Type.FLOAT ? shortest(f) : undefined;
}

function shortest(f: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const rounded = Number(f.toPrecision(digits));
    if (Math.fround(rounded) === f) return rounded;
  }
  return f;
}
