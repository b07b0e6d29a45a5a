import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { eventOf, eventRecord, firstEvent, recordLength } from "../../src/report/tensorboard.js";
import { checksum, readEvents } from "../support/event-reader.js";

describe("event records", () => {
  it("have checksums by the definition", () => {
    // RFC 3720, section B.4: 32 zeros, 32 ones, 0 to 31.
    expect(checksum(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(checksum(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
    expect(checksum(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  });

  it("give back what was put in", () => {
    const scalars = fc.dictionary(
      fc.string({ minLength: 1 }).filter((key) => key !== "__proto__"),
      fc.float(),
    );
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.nat(), scalars, (time, step, values) => {
        const [event, ...rest] = readEvents(eventRecord({ time, step, scalars: values }));
        expect(rest).toEqual([]);
        expect(event?.time).toBe(time);
        expect(event?.step).toBe(step);
        expect(event?.scalars).toEqual({ ...values });
      }),
    );
    const texts = { config: '    {\n      "a": "ä"\n    }' };
    expect(readEvents(eventRecord({ time: 1, step: 0, texts }))).toMatchObject([{ texts, plugins: ["text"] }]);
    expect(readEvents(eventRecord(firstEvent(2)))).toMatchObject([{ time: 2, version: "brain.Event:2" }]);
  });

  it("are at the number of updates done", () => {
    const step = { event: "step", epoch: 3, step: 2, loss: 1, top1: 0.5, lr: 0.1, gradientNorm: 2 } as const;
    expect(eventOf(step, 10, 0).step).toBe(22);
    expect(
      eventOf({ event: "epoch", epoch: 3, train: { loss: 1, top1: 1 }, val: null, isBest: false }, 10, 0).step,
    ).toBe(30);
  });

  it("are seen as a whole or not at all", () => {
    const record = eventRecord({ time: 1, step: 2, scalars: { a: 1 } });
    expect(recordLength(record, 0)).toBe(record.length);
    for (let length = 0; length < record.length; length++) expect(recordLength(record.subarray(0, length), 0)).toBe(0);
    fc.assert(
      fc.property(fc.nat(record.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const damaged = Uint8Array.from(record, (byte, i) => (i === at ? byte ^ change : byte));
        expect(recordLength(damaged, 0)).toBe(0);
      }),
    );
  });
});
