import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stream } from "../../src/data/random.js";
import { tensor } from "../../src/graph/tensor.js";
import { type ExampleBatch, type Examples, smoothTargets } from "../../src/train/examples.js";
import { cutAt, drawMix, type MixConfig, mixedExamples, mixes, mixImages } from "../../src/train/mix.js";
import { draw } from "../support/draw.js";
import { golden } from "../support/golden-augment.js";

const config: MixConfig = { mixup: 0.8, cutmix: 1, mixProbability: 1, mixSwitch: 0.5 };
const images = (count: number, height: number, width: number) =>
  tensor(
    "uint8",
    [count, height, width, 3],
    Uint8Array.from(Array.from({ length: count }, (_, i) => Array.from(draw(height, width, 5 * i).data)).flat()),
  );
const drawn = (changes: Partial<MixConfig>, count: number, height = 32, width = 48) =>
  Array.from({ length: count }, (_, i) => drawMix({ ...config, ...changes }, height, width, stream(4, "mix", 0, i)));
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const variance = (values: readonly number[]): number => mean(values.map((value) => (value - mean(values)) ** 2));

describe("a mixed batch", () => {
  it.each(golden.mixes)("equals timm's: share $share, cutmix $cut at $centre", ({ share, cut, centre, ...wanted }) => {
    const [y = 0, x = 0] = centre;
    const mix = cut ? cutAt(share, 9, 11, y, x) : { share };
    const mixed = mixImages(images(4, 9, 11), mix);
    expect(Buffer.from(mixed.data as Uint8Array).toString("base64")).toBe(wanted.pixels);
    const second = { labels: Int32Array.of(1, 1, 3, 0), share: 1 - mix.share };
    const targets = smoothTargets(Int32Array.of(0, 3, 1, 1), 6, 5, 0.1, second).data;
    for (const [i, value] of [...wanted.targets.flat(), ...new Array<number>(10).fill(0)].entries()) {
      expect(targets[i]).toBeCloseTo(value, 6);
    }
  });

  it("has targets that sum to 1, and those of its labels alone where nothing is mixed in", () => {
    const label = fc.integer({ min: 0, max: 4 });
    const share = fc.integer({ min: 0, max: 65536 }).map((part) => part / 65536);
    fc.assert(
      fc.property(label, label, share, fc.constantFrom(0, 0.1, 0.5), (own, other, part, smoothing) => {
        const second = { labels: Int32Array.of(other), share: part };
        const targets = smoothTargets(Int32Array.of(own), 1, 5, smoothing, second).data as Float32Array;
        expect(targets.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
        const plain = smoothTargets(Int32Array.of(own), 1, 5, smoothing);
        if (own === other || part === 0) expect(targets).toEqual(plain.data);
        if (part === 1) expect(targets).toEqual(smoothTargets(Int32Array.of(other), 1, 5, smoothing).data);
      }),
    );
  });

  it("is as it was at share 1, and turned around at share 0; a batch of one is its own partner", () => {
    const batch = images(3, 4, 5);
    expect(mixImages(batch, { share: 1 })).toEqual(batch);
    const turned = mixImages(batch, { share: 0 }).data as Uint8Array;
    expect(turned.slice(0, 60)).toEqual((batch.data as Uint8Array).slice(120));
    expect(turned.slice(60, 120)).toEqual((batch.data as Uint8Array).slice(60, 120));
    const single = images(1, 4, 5);
    for (const mix of [{ share: 0.3 }, cutAt(0.3, 4, 5, 2, 2)]) expect(mixImages(single, mix)).toEqual(single);
  });

  it("has the share of its pixels that its box leaves", () => {
    const side = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(side, side, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(), (height, width, share, place) => {
        const mix = cutAt(share, height, width, place % height, (place * 7) % width);
        const [black, white] = [0, 255].map((value) => new Array<number>(height * width * 3).fill(value)) as [
          number[],
          number[],
        ];
        const pair = tensor("uint8", [2, height, width, 3], Uint8Array.from([...black, ...white]));
        const mixed = mixImages(pair, mix).data as Uint8Array;
        const own = mixed.subarray(0, black.length).filter((value) => value === 0).length / black.length;
        expect(own).toBeCloseTo(mix.share, 10);
        expect(mix.share).toBeGreaterThanOrEqual(share - 1e-9);
      }),
    );
  });
});

describe("the draw", () => {
  it.each([0.2, 0.8, 1, 4])("of λ has mean and variance of Beta(α, α), α = %d", (mixup) => {
    const shares = drawn({ mixup, cutmix: 0 }, 4000).map((mix) => mix?.share ?? Number.NaN);
    expect(Math.min(...shares)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...shares)).toBeLessThanOrEqual(1);
    expect(mean(shares)).toBeCloseTo(0.5, 1);
    expect(Math.abs(mean(shares) - 0.5)).toBeLessThan(0.02);
    expect(variance(shares) * 4 * (2 * mixup + 1)).toBeGreaterThan(0.94);
    expect(variance(shares) * 4 * (2 * mixup + 1)).toBeLessThan(1.06);
  });

  it("of λ is uniform for α = 1", () => {
    const shares = drawn({ mixup: 1, cutmix: 0 }, 4000).map((mix) => mix?.share ?? Number.NaN);
    for (let i = 0; i < 10; i++) {
      const inside = shares.filter((share) => share >= i / 10 && share < (i + 1) / 10).length;
      expect(Math.abs(inside - 400)).toBeLessThan(80);
    }
  });

  it("survives strengths that are hardly any, or very large", () => {
    for (const share of drawn({ mixup: 1e-6, cutmix: 0 }, 50).map((mix) => mix?.share)) expect([0, 1]).toContain(share);
    for (const mix of drawn({ mixup: 1000, cutmix: 0 }, 50))
      expect(Math.abs((mix?.share ?? 0) - 0.5)).toBeLessThan(0.1);
  });

  it("mixes as many batches, and switches as often, as it is told", () => {
    const all = drawn({ mixProbability: 0.75, mixSwitch: 0.2 }, 4000);
    const found = all.filter((mix) => mix !== undefined);
    expect(Math.abs(found.length / 4000 - 0.75)).toBeLessThan(0.03);
    expect(Math.abs(found.filter(({ box }) => box).length / found.length - 0.2)).toBeLessThan(0.03);
    expect(drawn({ mixup: 0, mixSwitch: 0 }, 20).every((mix) => mix?.box)).toBe(true);
    expect(drawn({ cutmix: 0, mixSwitch: 1 }, 20).every((mix) => mix && !mix.box)).toBe(true);
    expect(drawn({ mixup: 0, cutmix: 0 }, 20).some((mix) => mix)).toBe(false);
    expect([mixes(config), mixes({ ...config, mixProbability: 0 })]).toEqual([true, false]);
  });

  it("puts boxes of the image's proportions everywhere", () => {
    const boxes = drawn({ mixup: 0 }, 2000).flatMap((mix) => (mix?.box ? [mix.box] : []));
    const whole = boxes.filter(({ top, bottom, left, right }) => top > 0 && bottom < 32 && left > 0 && right < 48);
    expect(whole.length).toBeGreaterThan(250);
    for (const { top, bottom, left, right } of whole) {
      expect(Math.abs((right - left) / 48 - (bottom - top) / 32)).toBeLessThan(1 / 32);
    }
    for (const covered of [0, 15, 31]) {
      expect(boxes.filter(({ top, bottom }) => top <= covered && covered < bottom).length).toBeGreaterThan(400);
    }
  });
});

describe("mixed examples", () => {
  const steps = 6;
  const plain: Examples = {
    count: 4 * steps,
    async *epoch(_, from) {
      for (let step = from; step < steps; step++) yield batch(step);
    },
    async *inOrder() {
      yield batch(0);
    },
  };
  const batch = (step: number): ExampleBatch => ({
    step,
    rows: images(4, 3, 3),
    labels: Int32Array.of(0, 1, 2, step),
    indices: Int32Array.of(0, 1, 2, 3),
  });
  const collect = async (source: AsyncGenerator<ExampleBatch, void>): Promise<ExampleBatch[]> => {
    const found: ExampleBatch[] = [];
    for await (const one of source) found.push(one);
    return found;
  };

  it("depend on seed, epoch and step alone, wherever the epoch is begun", async () => {
    const mixed = mixedExamples(plain, config, 3);
    const all = await collect(mixed.epoch(2, 0));
    expect(await collect(mixed.epoch(2, 4))).toEqual(all.slice(4));
    expect(await collect(mixedExamples(plain, config, 3).epoch(2, 0))).toEqual(all);
    const shares = (batches: ExampleBatch[]) => batches.map(({ second }) => second?.share);
    expect(shares(await collect(mixed.epoch(3, 0)))).not.toEqual(shares(all));
    expect(shares(await collect(mixedExamples(plain, config, 4).epoch(2, 0)))).not.toEqual(shares(all));
    expect(new Set(shares(all)).size).toBe(steps);
  });

  it("name the partners' labels, and leave evaluation alone", async () => {
    const mixed = mixedExamples(plain, config, 3);
    const [first] = await collect(mixed.epoch(0, 5));
    expect(Array.from(first?.second?.labels ?? [])).toEqual([5, 2, 1, 0]);
    expect(await collect(mixed.inOrder())).toEqual(await collect(plain.inOrder()));
    const never = mixedExamples(plain, { ...config, mixProbability: 0 }, 3);
    expect(await collect(never.epoch(0, 0))).toEqual(await collect(plain.epoch(0, 0)));
  });
});
