import { describe, expect, it } from "vitest";
import { architectureOf } from "../../src/vit/architecture.js";

/** The benchmark is plain JavaScript over the build, so its types are stated here. */
const load = async <T>(name: string): Promise<T> =>
  (await import(new URL(`../../bench/${name}.mjs`, import.meta.url).href)) as T;

interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}
interface Measure {
  median(values: readonly number[]): number;
  ratio(a: readonly number[], b: readonly number[]): Spread;
  interleave<T>(rounds: number, turns: Record<string, () => Promise<T>>): Promise<Record<string, T[]>>;
}

describe("measure", () => {
  it("takes the middle value, and the mean of two", async () => {
    const { median } = await load<Measure>("measure");
    expect(median([9, 1, 5])).toBe(5);
    expect(median([10, 1, 2, 3])).toBe(2.5);
  });

  it("compares what was measured in the same round", async () => {
    const { ratio } = await load<Measure>("measure");
    expect(ratio([10, 2, 30], [5, 1, 10])).toEqual({ median: 2, min: 2, max: 3 });
  });

  it("lets the turns alternate", async () => {
    const { interleave } = await load<Measure>("measure");
    const order: string[] = [];
    const turn = (name: string) => async () => order.push(name);
    expect(await interleave(2, { a: turn("a"), b: turn("b") })).toEqual({ a: [1, 3], b: [2, 4] });
    expect(order).toEqual(["a", "b", "a", "b"]);
  });
});

describe("flops", () => {
  // Multiply-adds of one forward pass as timm's table of models gives them, in 10⁹.
  it.each([
    ["vit_tiny_patch16_224", 1.26],
    ["vit_small_patch16_224", 4.61],
    ["vit_base_patch16_224", 17.58],
    ["vit_large_patch16_224", 61.6],
  ])("counts those of %s", async (name, multiplyAdds) => {
    const flops = await load<Record<string, (a: object) => number>>("flops");
    const a = architectureOf(name);
    expect((flops.forwardFlops?.(a) ?? 0) / 2e9).toBeCloseTo(multiplyAdds, 1);
    expect(flops.trainedFlops?.(a)).toBe(2 * (flops.forwardFlops?.(a) ?? 0));
  });
});
