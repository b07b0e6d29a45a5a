import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { MetricsLine } from "./run.js";

/** What TensorBoard is told at one moment. */
export interface BoardEvent {
  /** Seconds since 1970. */
  readonly time: number;
  /** Updates done. */
  readonly step: number;
  readonly scalars?: Readonly<Record<string, number>>;
  /** Texts in Markdown. */
  readonly texts?: Readonly<Record<string, string>>;
  /** Only of the first event of a file. */
  readonly version?: string;
}

/** The first event of every file. */
export const firstEvent = (time: number): BoardEvent => ({ time, step: 0, version: "brain.Event:2" });

/** The scalars of a line of metrics, at the number of updates that are done then. */
export function eventOf(line: MetricsLine, stepsPerEpoch: number, time: number): BoardEvent {
  if (line.event === "step") {
    const { loss, top1, lr, gradientNorm } = line;
    const scalars = { "train/loss": loss, "train/top1": top1, "train/lr": lr, "train/gradient_norm": gradientNorm };
    return { time, step: (line.epoch - 1) * stepsPerEpoch + line.step, scalars };
  }
  const { train, val } = line;
  const scalars = {
    "epoch/train_loss": train.loss,
    "epoch/train_top1": train.top1,
    ...(val && scalarsOf("val", { ...val })),
  };
  return { time, step: line.epoch * stepsPerEpoch, scalars };
}

/** Metrics as scalars `val/top1`. */
export const scalarsOf = (split: string, metrics: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`${split}/${name}`, value]));

/**
 * A record of an event file: length, its checksum, the event as protobuf, its checksum.
 * @see TensorFlow, core/lib/io/record_writer.h (framing) and core/util/event.proto, core/framework/summary.proto (fields)
 */
export function eventRecord(event: BoardEvent): Uint8Array {
  const data = encodeEvent(event);
  const record = new Uint8Array(data.length + 16);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedChecksum(record.subarray(0, 8)), true);
  record.set(data, 12);
  view.setUint32(12 + data.length, maskedChecksum(data), true);
  return record;
}

/** Bytes of the record that begins at `at`, or 0 where none is there as a whole. */
export function recordLength(bytes: Uint8Array, at: number): number {
  if (bytes.length - at < 16) return 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(at, true);
  if (view.getUint32(at + 8, true) !== maskedChecksum(bytes.subarray(at, at + 8))) return 0;
  if (length > BigInt(bytes.length - at - 16)) return 0;
  const end = at + 12 + Number(length);
  return view.getUint32(end, true) === maskedChecksum(bytes.subarray(at + 12, end)) ? Number(length) + 16 : 0;
}

/** `Event`: 1 wall_time, 2 step, 3 file_version, 5 summary. */
function encodeEvent({ time, step, version, scalars = {}, texts = {} }: BoardEvent): Uint8Array {
  const event = new BinaryWriter();
  event.tag(1, WireType.Bit64).double(time);
  if (step > 0) event.tag(2, WireType.Varint).int64(step);
  if (version !== undefined) return event.tag(3, WireType.LengthDelimited).string(version).finish();
  event.tag(5, WireType.LengthDelimited).fork();
  // `Summary.Value`: 1 tag, 2 simple_value, 8 tensor, 9 metadata.
  for (const [name, value] of Object.entries(scalars)) {
    event.tag(1, WireType.LengthDelimited).fork();
    event.tag(1, WireType.LengthDelimited).string(name).tag(2, WireType.Bit32).float(value);
    event.join();
  }
  for (const [name, text] of Object.entries(texts)) {
    event.tag(1, WireType.LengthDelimited).fork().tag(1, WireType.LengthDelimited).string(name);
    // `TensorProto`: 1 dtype (7 is DT_STRING), 2 shape (none: a scalar), 8 string_val.
    event.tag(8, WireType.LengthDelimited).fork().tag(1, WireType.Varint).int32(7);
    event.tag(2, WireType.LengthDelimited).fork().join();
    event.tag(8, WireType.LengthDelimited).string(text).join();
    // `SummaryMetadata`: 1 plugin_data, in it 1 plugin_name.
    event.tag(9, WireType.LengthDelimited).fork().tag(1, WireType.LengthDelimited).fork();
    event.tag(1, WireType.LengthDelimited).string("text").join().join();
    event.join();
  }
  return event.join().finish();
}

/** CRC-32C (Castagnoli) of every byte, reflected polynomial 0x82f63b78. */
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0x82f63b78 : rest >>> 1;
  return rest;
});

/** The checksum that records carry: `((crc >> 15 | crc << 17) + 0xa282ead8) mod 2³²` of the CRC-32C. */
function maskedChecksum(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (table[(crc ^ byte) & 255] as number);
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
