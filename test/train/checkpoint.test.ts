import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/errors.js";
import { tensor } from "../../src/graph/tensor.js";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from "../../src/train/checkpoint.js";
import { bytesSource, encodeSafetensors, readSafetensors } from "../../src/vit/safetensors.js";

const metrics = { top1: 0.5, top5: 1, balancedAccuracy: 0.5, macroF1: 0.5, calibrationError: 0.1, nll: 1 / 3 };
const vector = (...values: number[]) => tensor("float32", [values.length], Float32Array.from(values));
const checkpoint: Checkpoint = {
  progress: {
    epoch: 2,
    step: 1,
    running: { loss: 0.1 + 0.2, correct: 7, images: 9 },
    val: metrics,
    best: { epoch: 1, val: metrics },
    metricsBytes: 123,
    spent: { seconds: 1.5, images: 40 },
  },
  parameters: { "a/b": vector(1, 2), c: vector(3) },
  state: { "state/c": vector(4), step: vector(5) },
  average: null,
  best: { "a/b": vector(6, 7), c: vector(8) },
};
const encode = (value: Checkpoint) => encodeSafetensors(encodeCheckpoint(value));
const decode = async (bytes: Uint8Array) => decodeCheckpoint(await readSafetensors(bytesSource("c", bytes)), "c");

describe("a checkpoint", () => {
  it("comes back as it was", async () => {
    expect(await decode(encode(checkpoint))).toEqual(checkpoint);
    const noBest = { ...checkpoint, best: null, progress: { ...checkpoint.progress, best: null } };
    expect(await decode(encode(noBest))).toEqual(noBest);
  });

  it("stores the best parameters once where they are the present ones", async () => {
    const same = { ...checkpoint, best: checkpoint.parameters };
    expect(encode(same).length).toBeLessThan(encode(checkpoint).length);
    expect((await decode(encode(same))).best).toEqual(checkpoint.parameters);
  });

  it("keeps the average, which is then what the best epoch was scored with", async () => {
    const average = { "a/b": vector(1.5, 2.5), c: vector(3.5) };
    const averaged = { ...checkpoint, average };
    expect(await decode(encode(averaged))).toEqual(averaged);
    const same = { ...averaged, best: average };
    expect(encode(same).length).toBeLessThan(encode(averaged).length);
    expect(await decode(encode(same))).toEqual(same);
  });

  it("is refused where it is damaged", async () => {
    const bytes = encode(checkpoint);
    for (let length = 0; length < bytes.length; length += 7) {
      await expect(decode(bytes.subarray(0, length))).rejects.toThrow(FormatError);
    }
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(255), async (at, value) => {
        const changed = bytes.slice();
        changed[at] = value;
        await decode(changed).catch((error) => expect(error).toBeInstanceOf(FormatError));
      }),
    );
  });
});
