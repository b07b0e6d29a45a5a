/** One event of a TensorBoard file. */
export interface ReadEvent {
  time: number;
  step: number;
  version?: string;
  scalars: Record<string, number>;
  texts: Record<string, string>;
  plugins: string[];
}

/** CRC-32C bit by bit, as RFC 3720 defines it. */
export function checksum(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}
const masked = (bytes: Uint8Array): number => {
  const crc = BigInt(checksum(bytes));
  return Number((((crc >> 15n) | (crc << 17n)) + 0xa282ead8n) & 0xffffffffn);
};

/** The fields of a protobuf message: numbers, or bytes. */
function* fieldsOf(bytes: Uint8Array): Generator<readonly [field: number, value: bigint | Uint8Array]> {
  let at = 0;
  const varint = (): bigint => {
    let [value, shift] = [0n, 0n];
    for (;;) {
      const byte = bytes[at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
      shift += 7n;
    }
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const kind = key & 7;
    if (kind === 0) yield [key >> 3, varint()];
    else {
      const length = kind === 1 ? 8 : kind === 5 ? 4 : Number(varint());
      yield [key >> 3, bytes.subarray(at, at + length)];
      at += length;
    }
  }
}

const text = (bytes: bigint | Uint8Array): string => new TextDecoder().decode(bytes as Uint8Array);
const viewOf = (bytes: bigint | Uint8Array): DataView => {
  const { buffer, byteOffset, byteLength } = bytes as Uint8Array;
  return new DataView(buffer, byteOffset, byteLength);
};
const inside = (bytes: bigint | Uint8Array, ...path: readonly number[]): bigint | Uint8Array => {
  const [first, ...rest] = path;
  if (first === undefined) return bytes;
  const found = [...fieldsOf(bytes as Uint8Array)].find(([field]) => field === first);
  if (!found) throw new Error(`no field ${first}`);
  return inside(found[1], ...rest);
};

/** The events of a file, read without any of the code that writes them; an error where a record is damaged. */
export function readEvents(bytes: Uint8Array): ReadEvent[] {
  const events: ReadEvent[] = [];
  const view = viewOf(bytes);
  for (let at = 0; at < bytes.length; ) {
    const length = Number(view.getBigUint64(at, true));
    if (view.getUint32(at + 8, true) !== masked(bytes.subarray(at, at + 8))) throw new Error(`length at ${at}`);
    const data = bytes.subarray(at + 12, at + 12 + length);
    if (view.getUint32(at + 12 + length, true) !== masked(data)) throw new Error(`data at ${at}`);
    events.push(readEvent(data));
    at += length + 16;
  }
  return events;
}

function readEvent(bytes: Uint8Array): ReadEvent {
  const event: ReadEvent = { time: 0, step: 0, scalars: {}, texts: {}, plugins: [] };
  for (const [field, value] of fieldsOf(bytes)) {
    if (field === 1) event.time = viewOf(value).getFloat64(0, true);
    else if (field === 2) event.step = Number(value);
    else if (field === 3) event.version = text(value);
    else if (field === 5) {
      for (const [, entry] of fieldsOf(value as Uint8Array)) {
        const kinds = [...fieldsOf(entry as Uint8Array)].map(([kind]) => kind);
        const name = text(inside(entry, 1));
        if (kinds.includes(2)) event.scalars[name] = viewOf(inside(entry, 2)).getFloat32(0, true);
        else {
          event.texts[name] = text(inside(entry, 8, 8));
          event.plugins.push(text(inside(entry, 9, 1, 1)));
        }
      }
    } else throw new Error(`unknown field ${field}`);
  }
  return event;
}
