import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inverseNormal, portableLog } from "../../src/data/normal.js";
import { philox, stream } from "../../src/data/random.js";
import { ConfigError } from "../../src/errors.js";

describe("philox", () => {
  // The known answers published with Random123 (kat_vectors, philox4x32 10).
  const all = 0xffffffff;
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [all, all, all, all],
      [all, all],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ] as const)("gives the published words for counter %j", (counter, key, expected) => {
    expect(philox(counter, key)).toEqual(expected);
  });
});

describe("normal", () => {
  // Python's statistics.NormalDist().inv_cdf.
  it.each([
    [1e-300, -37.0470962993612],
    [1e-12, -7.034483825301131],
    [0.001, -3.090232306167813],
    [0.3, -0.5244005127080409],
    [0.5, 0],
    [0.975, 1.9599639845400538],
    [0.99999, 4.26489079392384],
  ])("has its quantile of %d at %d", (p, expected) => {
    expect(inverseNormal(p)).toBeCloseTo(expected, 12);
  });

  it("has a logarithm as accurate as the engine's", () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-16, max: 1e16, noNaN: true }), (x) => {
        expect(Math.abs(portableLog(x) - Math.log(x))).toBeLessThanOrEqual(1e-15 * Math.max(1, Math.abs(Math.log(x))));
      }),
    );
  });
});

describe("stream", () => {
  it("stays what it was when runs were stored with it", () => {
    const random = stream(7, "flip", 3, 41);
    expect([random.word(), random.word(), random.uniform(), random.normal()]).toMatchInlineSnapshot(`
      [
        374687175,
        1283218530,
        0.7027912434439115,
        0.514544832538081,
      ]
    `);
    expect(Array.from(stream(0, "order", 0).permutation(10))).toMatchInlineSnapshot(`
      [
        0,
        3,
        1,
        4,
        6,
        8,
        7,
        2,
        5,
        9,
      ]
    `);
  });

  it("gives different numbers for different paths, and the same for the same", () => {
    const paths = [[0], [1], [0, 0], [0, "0"], [0, "a", "b"], [0, "ab"], [0, "b", "a"], [2 ** 40], [2 ** 40 + 2 ** 33]];
    const first = paths.map(([seed = 0, ...rest]) => stream(Number(seed), ...rest).word());
    expect(new Set(first).size).toBe(paths.length);
    expect(stream(5, "x", 1).permutation(50)).toEqual(stream(5, "x", 1).permutation(50));
  });

  it("fills an array with the words that as many calls give, from wherever it stands", () => {
    fc.assert(
      fc.property(fc.nat(9), fc.nat(30), (drawn, count) => {
        const [one, other] = [stream(5, "fill"), stream(5, "fill")];
        for (let i = 0; i < drawn; i++) expect(one.word()).toBe(other.word());
        const words = new Uint32Array(count);
        one.fill(words);
        expect(Array.from(words)).toEqual(Array.from({ length: count }, () => other.word()));
        expect([one.word(), one.normal()]).toEqual([other.word(), other.normal()]);
      }),
    );
  });

  it("has the moments of its distributions", () => {
    const random = stream(1, "moments");
    const count = 20_000;
    const uniform = Array.from({ length: count }, () => random.uniform());
    const normal = Array.from({ length: count }, () => random.normal());
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / count;
    expect(mean(uniform)).toBeCloseTo(0.5, 1);
    expect(Math.abs(mean(uniform) - 0.5)).toBeLessThan(0.01);
    expect(Math.abs(mean(normal))).toBeLessThan(0.03);
    expect(Math.abs(mean(normal.map((x) => x * x)) - 1)).toBeLessThan(0.05);
    expect(Math.abs(mean(normal.map((x) => x ** 4)) - 3)).toBeLessThan(0.3);
  });

  it("draws every integer below a bound about equally often", () => {
    const random = stream(2, "integers");
    const seen = new Array<number>(7).fill(0);
    for (let i = 0; i < 7000; i++) {
      const value = random.integer(7);
      seen[value] = (seen[value] ?? 0) + 1;
    }
    for (const times of seen) expect(Math.abs(times - 1000)).toBeLessThan(130);
  });

  it("makes permutations", () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(), (count, seed) => {
        const sorted = stream(seed).permutation(count).sort();
        expect(Array.from(sorted)).toEqual(Array.from({ length: count }, (_, i) => i));
      }),
    );
  });

  it.each([-1, 0.5, Number.NaN, 2 ** 53])("refuses the seed %d", (seed) => {
    expect(() => stream(seed)).toThrow(ConfigError);
  });

  it.each([0, -3, 1.5])("refuses the bound %d", (below) => {
    expect(() => stream(0).integer(below)).toThrow(ConfigError);
  });
});
