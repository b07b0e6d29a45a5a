import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { FormatError } from "../errors.js";

/** Number of the field `metadata_props` of a `ModelProto`, and of `key` and `value` of its entries, in `onnx.proto`. */
const [entryField, keyField, valueField] = [14, 1, 2];

/**
 * The texts that travel with a model, by key. Everything else in the file, the weights above all, is passed over.
 * @param name what to call the model in messages
 * @throws FormatError where the bytes are no ONNX model
 * @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
export function readMetadata(bytes: Uint8Array, name: string): Readonly<Record<string, string>> {
  const found: [string, string][] = [];
  try {
    eachField(bytes, (field, reader) => {
      if (field !== entryField) return false;
      const texts = new Map<number, string>();
      eachField(reader.bytes(), (inner, entry) => {
        if (inner !== keyField && inner !== valueField) return false;
        texts.set(inner, entry.string());
        return true;
      });
      found.push([texts.get(keyField) ?? "", texts.get(valueField) ?? ""]);
      return true;
    });
  } catch (cause) {
    throw new FormatError(`${name}: expected an ONNX model, the file is none or damaged. Export it again.`, { cause });
  }
  return Object.fromEntries(found);
}

/** Goes through the fields of a message; those that `take` does not take are passed over. */
function eachField(bytes: Uint8Array, take: (field: number, reader: BinaryReader) => boolean): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (type !== WireType.LengthDelimited || !take(field, reader)) reader.skip(type);
  }
}
