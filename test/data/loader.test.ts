import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type Examples, requireSplit, selectExamples } from "../../src/data/dataset.js";
import {
  type Batch,
  createLoader,
  type Decode,
  type LoaderOptions,
  readableIndices,
  refuseUnreadable,
  type Unreadable,
} from "../../src/data/loader.js";
import { balancedOrder, batches } from "../../src/data/sampler.js";
import { parseTransform } from "../../src/data/transform.js";
import { ConfigError, FormatError, ShapeError } from "../../src/errors.js";
import { openDataset } from "../../src/platform/datasets.js";
import { decodeImage } from "../../src/platform/images.js";

/** Examples whose only byte is their index; `bad` ones cannot be decoded. */
const numbered = (count: number): Examples => ({
  count,
  labels: Int32Array.from({ length: count }, (_, i) => i % 3),
  id: (index) => `image-${index}`,
  read: async (index) => Uint8Array.of(index),
  size: async () => 1,
});

/** A decoder that makes 1 x 2 images, left pixel the index, right pixel 200, after a delay of its own. */
function decoder(bad: readonly number[] = []) {
  const seen: number[] = [];
  let running = 0;
  let most = 0;
  const decode: Decode = async ([index = 0], name) => {
    seen.push(index);
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, (index * 7) % 5));
    running--;
    if (bad.includes(index)) throw new FormatError(`${name}: broken`);
    return { width: 2, height: 1, data: Uint8Array.of(index, index, index, 200, 200, 200) };
  };
  return { decode, seen, mostAtOnce: () => most };
}

const load = (count: number, options: Partial<LoaderOptions> & Pick<LoaderOptions, "decode">) =>
  createLoader(numbered(count), { transform: parseTransform("decode|flip"), batchSize: 4, ...options });

async function collect(stream: AsyncGenerator<Batch, void>): Promise<Batch[]> {
  const all: Batch[] = [];
  for await (const batch of stream) all.push(batch);
  return all;
}
const order = (all: readonly Batch[]): number[] => all.flatMap(({ indices }) => Array.from(indices));

describe("an epoch", () => {
  it("that is balanced comes in that order, continues anywhere, and changes an image anew where it shows it again", async () => {
    const wide: Decode = async () => ({ width: 20, height: 1, data: Uint8Array.from({ length: 60 }, (_, i) => i) });
    const labels = Int32Array.from({ length: 12 }, (_, i) => Number(i === 0));
    const examples = { ...numbered(12), labels };
    const transform = parseTransform("decode|random-crop(1x4,0)");
    const loader = createLoader(examples, { transform, batchSize: 4, decode: wide, seed: 2, sampling: "balanced" });
    const all = await collect(loader.epoch(1));
    expect(order(all)).toEqual(Array.from(balancedOrder(labels, 2, 1)));
    expect(loader.batches(1).flatMap((list) => Array.from(list))).toEqual(order(all));
    const views = all.flatMap(({ indices, images }) =>
      Array.from(indices).flatMap((index, row) => (index === 0 ? [images[row * 12]] : [])),
    );
    expect(views).toHaveLength(6);
    expect(new Set(views).size).toBeGreaterThan(1);
    expect(await collect(loader.epoch(1, 2))).toEqual(all.slice(2));
  });

  it("comes in the sampler's order, with every image and its label in its place", async () => {
    const all = await collect(load(10, { decode: decoder().decode, seed: 5 }).epoch(2));
    expect(all.map(({ indices }) => Array.from(indices))).toEqual(batches(10, 4, 5, 2).map((list) => Array.from(list)));
    expect(all.map(({ step, shape }) => [step, ...shape])).toEqual([
      [0, 4, 1, 2, 3],
      [1, 4, 1, 2, 3],
      [2, 2, 1, 2, 3],
    ]);
    for (const { indices, labels, images } of all) {
      indices.forEach((index, i) => {
        expect(labels[i]).toBe(index % 3);
        const pixels = [images[i * 6], images[i * 6 + 3]];
        expect(pixels.sort((a = 0, b = 0) => a - b)).toEqual([index, 200]);
      });
    }
  });

  it("has the same bits again, cached or not, and continued from any step", async () => {
    const cached = load(23, { decode: decoder().decode });
    const bare = load(23, { decode: decoder().decode, cacheBytes: 0, parallel: 1, prefetchBatches: 0 });
    const first = await collect(cached.epoch(1));
    expect(await collect(cached.epoch(1))).toEqual(first);
    expect(await collect(bare.epoch(1))).toEqual(first);
    for (const from of [1, 3, 6]) expect(await collect(bare.epoch(1, from))).toEqual(first.slice(from));
    expect(await collect(cached.epoch(2))).not.toEqual(first);
  });

  it("flips anew in every epoch, some and not all", async () => {
    const loader = load(40, { decode: decoder().decode });
    const flips = async (epoch: number): Promise<boolean[]> => {
      const flipped = new Array<boolean>(40);
      for (const { indices, images } of await collect(loader.epoch(epoch))) {
        indices.forEach((index, i) => {
          flipped[index] = images[i * 6] === 200;
        });
      }
      return flipped;
    };
    const [first, second] = [await flips(0), await flips(1)];
    expect(first).not.toEqual(second);
    for (const list of [first, second]) expect(Math.abs(list.filter(Boolean).length - 20)).toBeLessThan(15);
  });

  it("decodes once what fits into the cache, and again what does not", async () => {
    const { decode, seen } = decoder();
    const loader = load(10, { decode, cacheBytes: 6 * 7 });
    for (const epoch of [0, 1, 2]) await collect(loader.epoch(epoch));
    expect(seen.length).toBe(10 + 3 + 3);
  });

  it("decodes beside each other, a bounded number and a bounded way ahead", async () => {
    const { decode, seen, mostAtOnce } = decoder();
    const stream = load(100, { decode, parallel: 3, prefetchBatches: 2 }).epoch(0);
    await stream.next();
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(mostAtOnce()).toBe(3);
    expect(seen.length).toBeLessThanOrEqual(4 * 3);
    await stream.return();
    const decoded = seen.length;
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(seen.length).toBe(decoded);
  });

  it("stops decoding when nobody asks any more", async () => {
    const { decode, seen } = decoder();
    const stream = load(100, { decode, parallel: 1, prefetchBatches: 20 }).epoch(0);
    await stream.next();
    await stream.return();
    const decoded = seen.length;
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(seen.length).toBeLessThanOrEqual(decoded + 1);
  });
});

describe("the set's own order", () => {
  it("leaves random steps out", async () => {
    const all = await collect(load(6, { decode: decoder().decode }).inOrder());
    expect(order(all)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(all.every(({ images }) => images[3] === 200)).toBe(true);
  });
});

describe("images that cannot be read", () => {
  it("end the epoch with an error that names them", async () => {
    await expect(collect(load(10, { decode: decoder([6]).decode }).epoch(0))).rejects.toThrow("image-6: broken");
  });

  it("are left out where that is asked for, and reported once", async () => {
    const reported: Unreadable[] = [];
    const options = {
      decode: decoder([1, 6, 8]).decode,
      batchSize: 1,
      onUnreadable: (i: Unreadable) => reported.push(i),
    };
    const loader = load(9, options);
    const all = await collect(loader.inOrder());
    expect([order(all), all.map(({ step }) => step)]).toEqual([
      [0, 2, 3, 4, 5, 7],
      [0, 2, 3, 4, 5, 7],
    ]);
    expect(order(await collect(loader.inOrder()))).toEqual([0, 2, 3, 4, 5, 7]);
    expect(reported.map(({ id }) => id).sort()).toEqual(["image-1", "image-6", "image-8"]);
  });

  it("are found by warm, which fills the cache", async () => {
    const { decode, seen } = decoder([2, 9]);
    const loader = load(10, { decode, onUnreadable: () => undefined });
    expect((await loader.warm()).map(({ index }) => index)).toEqual([2, 9]);
    await collect(loader.epoch(0));
    expect(seen.length).toBe(12);
  });

  it("are named, up to ten, in one error", () => {
    const bad = Array.from({ length: 12 }, (_, index) => ({ index, id: `${index}`, reason: `${index}.jpg: broken` }));
    expect(() => refuseUnreadable([])).not.toThrow();
    expect(() => refuseUnreadable(bad)).toThrow(
      /^data: 12 images cannot be read.*\n {2}0.jpg: broken(.|\n)*… and 2 more$/,
    );
    expect(Array.from(readableIndices(14, bad))).toEqual([12, 13]);
  });
});

describe("a loader", () => {
  it("refuses images of different sizes in one batch", async () => {
    const decode: Decode = async ([index = 0]) => ({
      width: 1 + index,
      height: 1,
      data: new Uint8Array(3 * (1 + index)),
    });
    const stream = load(3, { decode }).inOrder();
    await expect(stream.next()).rejects.toThrow(ShapeError);
  });

  it("refuses an empty set", () => {
    expect(() => load(0, { decode: decoder().decode })).toThrow(ConfigError);
  });

  it("passes errors on that are not about a file", async () => {
    const decode: Decode = async () => Promise.reject(new TypeError("a bug"));
    await expect(load(3, { decode, onUnreadable: () => undefined }).warm()).rejects.toThrow(TypeError);
  });
});

const eurosat = fileURLToPath(new URL("../../../shared/data/vtab-1k/eurosat", import.meta.url));
describe.skipIf(!existsSync(eurosat))("EuroSAT (skipped where ../shared is absent)", () => {
  it("is checked, and loads with the same bits from the cache", async () => {
    const train = selectExamples(
      requireSplit(await openDataset(eurosat), "train"),
      Array.from({ length: 60 }, (_, i) => i),
    );
    const transform = parseTransform("decode|resize(96)|flip");
    const loader = createLoader(train, { transform, batchSize: 32, decode: decodeImage });
    expect(await loader.check()).toEqual([]);
    const first = await collect(loader.epoch(0));
    expect(first.map(({ shape }) => shape)).toEqual([
      [32, 96, 96, 3],
      [28, 96, 96, 3],
    ]);
    // Compared as bytes: walking through a million numbers takes seconds.
    const again = await collect(loader.epoch(0));
    expect(again.map(({ images }, i) => Buffer.compare(images, first[i]?.images ?? images.subarray(1)))).toEqual([
      0, 0,
    ]);
  });

  it("shows cut and foreign files in the check", async () => {
    const train = requireSplit(await openDataset(eurosat), "train");
    const damaged: Examples = {
      ...selectExamples(train, [0, 1, 2, 3]),
      read: async (index) => {
        const bytes = await train.read(index);
        if (index === 1) return bytes.subarray(0, bytes.length / 2);
        return index === 3 ? new TextEncoder().encode("no image") : bytes;
      },
    };
    const options = { transform: parseTransform("decode|resize(96)"), batchSize: 2, decode: decodeImage };
    const bad = await createLoader(damaged, options).check();
    expect(bad.map(({ index }) => index)).toEqual([1, 3]);
    expect(bad[0]?.reason).toMatch(/^images\/train\/000001.jpg: cannot decode/);
  });
});
