import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RuntimeUnavailableError } from "../../src/errors.js";
import { type Demand, defaultMemoryBytes, divide } from "../../src/train/resources.js";
import { architectureNames, architectureOf, parameterCount } from "../../src/vit/architecture.js";

/** As large as networks are, without building their graphs. */
const roughly = (name: string) => (microBatch: number) => {
  const weights = 4 * parameterCount(architectureOf(name));
  return { shared: 1e8 + weights, perLane: 6e7 + 2 * weights + microBatch * weights };
};

const demand = (name: string, given: Partial<Demand> = {}): Demand => ({
  architecture: architectureOf(name),
  batchSize: 32,
  threads: 2,
  trainsBackbone: false,
  memoryBytes: defaultMemoryBytes,
  footprint: roughly(name),
  ...given,
});

describe("divide", () => {
  it("gives each thread a lane of its own, and one lane several where memory is short", () => {
    expect(divide(demand("vit_tiny_patch16_224"))).toMatchObject({ lanes: 2, threadsPerLane: 1, microBatch: 1 });
    expect(divide(demand("vit_base_patch16_224", { threads: 16 })).lanes).toBeLessThan(16);
    expect(divide(demand("vit_base_patch16_224", { memoryBytes: 1.6e9 }))).toMatchObject({
      lanes: 1,
      threadsPerLane: 2,
    });
  });

  it("covers the batch with equal rounds of all lanes, within the memory, and always the same", () => {
    const cases = fc.record({
      name: fc.constantFrom(...architectureNames),
      batchSize: fc.integer({ min: 1, max: 500 }),
      threads: fc.integer({ min: 1, max: 64 }),
      memoryBytes: fc.integer({ min: 5e8, max: 2e11 }),
      trainsBackbone: fc.boolean(),
    });
    fc.assert(
      fc.property(cases, ({ name, ...given }) => {
        let found: ReturnType<typeof divide>;
        try {
          found = divide(demand(name, given));
        } catch (error) {
          expect(error).toBeInstanceOf(RuntimeUnavailableError);
          return;
        }
        const { lanes, threadsPerLane, microBatch, bytes } = found;
        expect(lanes * threadsPerLane).toBe(given.threads);
        expect(bytes).toBeLessThanOrEqual(given.memoryBytes);
        // Rounded up, but by less than one image in each run.
        const rounds = Math.ceil(given.batchSize / (lanes * microBatch));
        expect(lanes * rounds * (microBatch - 1)).toBeLessThan(given.batchSize);
        expect(divide(demand(name, given))).toEqual(found);
      }),
    );
  });

  it("has no more lanes than images", () => {
    expect(divide(demand("vit_tiny_patch16_224", { threads: 64, batchSize: 3, memoryBytes: 1e12 })).lanes).toBe(2);
  });

  it("says how much is missing where nothing fits", () => {
    expect(() => divide(demand("vit_large_patch16_384", { memoryBytes: 1e9 }))).toThrow(
      /about \d+ MiB, 954 MiB are allowed/,
    );
  });
});
