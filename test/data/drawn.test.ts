import { createHash } from "node:crypto";
import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { requireSplit, type Split, splitNames } from "../../src/data/dataset.js";
import { drawPicture, isDrawn, openDrawn } from "../../src/data/drawn.js";
import { direction } from "../../src/data/drawn-canvas.js";
import { encodePng, pngLength } from "../../src/data/drawn-png.js";
import { drawnTasks } from "../../src/data/drawn-tasks.js";
import { imageHeader } from "../../src/data/image-header.js";
import { ConfigError } from "../../src/errors.js";
import { openDataset } from "../../src/platform/datasets.js";

const sha = (...parts: readonly Uint8Array[]): string => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex").slice(0, 16);
};
const tasks = Object.entries(drawnTasks);
const sizes = { size: 40, seed: 3 };

/** One number per class and split of a task, at sizes with and without a remainder. */
const digestOf = (task: (typeof tasks)[number]): string =>
  sha(
    ...splitNames.flatMap((split) =>
      task[1].classes.flatMap((_, label) => [
        drawPicture(task, { size: 32, seed: 0 }, split, label, label).data,
        drawPicture(task, { size: 61, seed: 7 }, split, label, 1000 + label).data,
      ]),
    ),
  );

describe("drawn pictures", () => {
  // These bytes are part of the format: results of drawn tasks are only comparable while they stay.
  it("have the same bytes everywhere", () => {
    expect(Object.fromEntries(tasks.map((task) => [task[0], digestOf(task)]))).toEqual({
      count: "3164f1698f47319c",
      "x-position": "09816a35e89d044d",
      orientation: "cf75defaada8b682",
      distance: "3add2ae2b0950fc1",
    });
  });

  it("differ by seed, split, place, class and task", () => {
    const [task, other] = [tasks[0], tasks[1]] as [(typeof tasks)[number], (typeof tasks)[number]];
    const pictures = [
      drawPicture(task, sizes, "train", 1, 0),
      drawPicture(task, { ...sizes, seed: 4 }, "train", 1, 0),
      drawPicture(task, sizes, "val", 1, 0),
      drawPicture(task, sizes, "train", 1, 1),
      drawPicture(task, sizes, "train", 2, 0),
      drawPicture(other, sizes, "train", 1, 0),
    ];
    expect(new Set(pictures.map(({ data }) => sha(data))).size).toBe(pictures.length);
    expect(drawPicture(task, sizes, "train", 1, 0)).toEqual(pictures[0]);
  });

  it("show the same scene at every size", () => {
    for (const task of tasks) {
      const [small, large] = [32, 128].map((size) => drawPicture(task, { size, seed: 0 }, "train", 2, 5));
      let difference = 0;
      for (let row = 0; row < 32; row++)
        for (let column = 0; column < 32; column++)
          for (let c = 0; c < 3; c++) {
            let sum = 0;
            for (let i = 0; i < 16; i++)
              sum += large?.data[((4 * row + (i >> 2)) * 128 + 4 * column + (i & 3)) * 3 + c] ?? 0;
            difference += Math.abs(sum / 16 - (small?.data[(row * 32 + column) * 3 + c] ?? 0)) / (32 * 32 * 3);
          }
      // What is left is the noise, whose mean size is 7.
      expect(difference).toBeLessThan(9);
    }
  });

  it("hold what their class says: the shape of x-position lies in its column", () => {
    const task = ["x-position", drawnTasks["x-position"]] as (typeof tasks)[number];
    for (let i = 0; i < 48; i++) {
      const { data } = drawPicture(task, { size: 64, seed: 1 }, "test", i % 8, i);
      // Clear colours have a channel that no dull ground reaches even with noise: above 180 + 14, or all below 60 − 14.
      const columns: number[] = [];
      for (let p = 0; p < 64 * 64; p++) {
        const channels = [...data.subarray(3 * p, 3 * p + 3)];
        if (Math.max(...channels) > 196 || Math.max(...channels) < 38) columns.push((p % 64) + 0.5);
      }
      columns.sort((a, b) => a - b);
      const middle = (columns[columns.length >> 1] as number) / 64;
      expect(Math.abs(middle - (0.1 + (0.8 * ((i % 8) + 0.5)) / 8))).toBeLessThan(0.06);
    }
  });
});

describe("direction", () => {
  it("is cosine and sine of an angle in turns", () => {
    fc.assert(
      fc.property(fc.double({ min: -1, max: 1, noNaN: true }), (turns) => {
        const [cos, sin] = direction(turns);
        expect(Math.abs(cos - Math.cos(2 * Math.PI * turns))).toBeLessThan(4e-15);
        expect(Math.abs(sin - Math.sin(2 * Math.PI * turns))).toBeLessThan(4e-15);
      }),
    );
  });
});

describe("encodePng", () => {
  it("keeps every pixel, in as many bytes as it said, also in several blocks", async () => {
    for (const [width, height] of [
      [1, 1],
      [7, 3],
      [200, 150],
    ] as const) {
      const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 37 + (i >> 8)) & 0xff);
      const png = encodePng({ width, height, data });
      expect(png.length).toBe(pngLength(width, height));
      expect(imageHeader(png, "drawn")).toEqual({ format: "png", width, height, alpha: false, complete: true });
      const decoded = await sharp(png, { failOn: "warning" }).raw().toBuffer();
      expect(sha(decoded)).toBe(sha(data));
    }
  });
});

describe("a drawn data set", () => {
  it("has the sizes of VTAB-1k unless told otherwise, with equally many of each class", async () => {
    const { splits, classes, layout } = await openDataset("drawn:count");
    expect(layout).toBe("drawn");
    expect(classes).toEqual(["1", "2", "3", "4", "5", "6"]);
    expect(splitNames.map((split) => splits[split]?.count)).toEqual([800, 200, 500]);
    const counts = classes.map((_, label) => splits.train?.labels.filter((l) => l === label).length ?? 0);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    const bytes = (await splits.test?.read(3)) as Uint8Array;
    expect(bytes.length).toBe(await splits.test?.size(3));
    expect(imageHeader(bytes, "drawn")).toMatchObject({ width: 64, height: 64 });
  });

  it("takes settings, has no empty splits, and can be joined", async () => {
    const name = "drawn:distance:train=30:val=6:test=0:size=16:seed=5";
    const dataset = await openDataset(name);
    expect([dataset.splits.train?.count, dataset.splits.val?.count, dataset.splits.test]).toEqual([30, 6, null]);
    expect(dataset.splits.val?.id(4)).toBe("drawn:distance/seed-5/val/4.png");
    expect((await openDataset(name, { final: true })).splits.train?.count).toBe(36);
  });

  it("mixes tasks in turn", async () => {
    const mixed = openDrawn("drawn:orientation+count:train=16:val=0:test=0:size=16");
    expect(mixed.classes).toHaveLength(14);
    expect([mixed.classes[1], mixed.classes[8]]).toEqual(["orientation 22.5°", "count 1"]);
    const train = requireSplit(mixed, "train");
    expect([...train.labels]).toEqual([0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 8, 7, 9]);
    expect(train.id(3)).toBe("drawn:count/seed-0/train/3.png");
  });

  it("gives a picture again as it was", async () => {
    const read = (split: Split, index: number) => openDrawn("drawn:orientation:size=24").splits[split]?.read(index);
    const one = openDrawn("drawn:orientation:size=24").splits.val;
    await one?.read(0);
    expect(await one?.read(7)).toEqual(await read("val", 7));
    expect(await one?.read(7)).toEqual(await read("val", 7));
  });

  it.each([
    ["drawn:", /a task is missing.*Known tasks: count, x-position, orientation, distance; settings.*size=64/],
    ["drawn:cuont", /cuont is no drawn task/],
    ["drawn:constructor", /constructor is no drawn task/],
    ["drawn:count+count", /a task is named twice/],
    ["drawn:count:pixels=3", /pixels=3 is no setting/],
    ["drawn:count:", /nothing is no setting/],
    ["drawn:count:size=64:size=32", /size is set twice/],
    ["drawn:count:size=4", /size: expected a whole number from 8 to 1024, got 4/],
    ["drawn:count:train=0", /train: expected a whole number from 1/],
    ["drawn:count:seed=1e99", /seed: expected a whole number/],
    ["drawn:count:val=", /val: expected a whole number from 0 to 1000000, got nothing/],
  ])("refuses %s", async (name, message) => {
    const opened = openDataset(name);
    await expect(opened).rejects.toThrow(ConfigError);
    await expect(opened).rejects.toThrow(message);
  });

  it("is told from a folder by its prefix", () => {
    expect(["drawn:count", "drawn", "./drawn:count", "data/drawn"].map(isDrawn)).toEqual([true, false, false, false]);
  });
});
