import { describe, expect, it } from "vitest";
import { readScenes } from "../../src/data/clevr-scenes.js";
import { readKittiLabel } from "../../src/data/kitti-label.js";
import { norbHeadBytes, readNorbHead } from "../../src/data/norb-matrix.js";
import { drawSample } from "../../src/data/vtab-division.js";
import {
  binOf,
  clevrCount,
  clevrDistance,
  dspritesLocation,
  dspritesOrientation,
  kittiDistance,
  labelRules,
  smallnorbAzimuth,
} from "../../src/data/vtab-labels.js";
import { type VtabTask, vtabTaskOf, vtabTasks } from "../../src/data/vtab-tasks.js";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const task = (name: string): VtabTask => vtabTaskOf(name) as VtabTask;

describe("label rules of VTAB", () => {
  it("name as many classes as each task has", () => {
    for (const [name, { classes }] of Object.entries(labelRules)) {
      expect([name, new Set(classes).size]).toEqual([name, task(name).classes]);
    }
    expect(vtabTasks).toHaveLength(19);
  });
  it("put a value on a threshold below it, as the strict comparison does", () => {
    expect([-1, 0, 8, 8.01].map((value) => binOf(value, [0, 8, 20]))).toEqual([-1, -1, 0, 1]);
  });
  it("of CLEVR count objects and bin the depth of the nearest", () => {
    expect([3, 10].map(clevrCount)).toEqual([0, 7]);
    const nearest = [7.9, 8, 8.2, 8.7, 9.2, 9.9, 10, 10.1, 14];
    expect(nearest.map((depth) => clevrDistance([20, depth, 15]))).toEqual([0, 0, 1, 2, 3, 4, 4, 5, 5]);
  });
  it("of KITTI look at cars, vans and trucks, and know a picture without any", () => {
    const car = (z: number) => ({ type: "Car", z });
    expect([8, 8.1, 20, 20.1, 90].map((z) => kittiDistance([car(99), car(z)]))).toEqual([0, 1, 1, 2, 2]);
    expect(kittiDistance([{ type: "Pedestrian", z: 2 }])).toBe(3);
    expect(
      kittiDistance([
        { type: "Tram", z: 2 },
        { type: "Van", z: 9 },
        { type: "Truck", z: 30 },
      ]),
    ).toBe(1);
    expect(kittiDistance([])).toBe(3);
  });
  it("of dSprites and small NORB use every class", () => {
    const counts = (from: number, of: (value: number) => number): number[] => {
      const found = Array.from({ length: from }, (_, i) => of(i));
      return Array.from({ length: Math.max(...found) + 1 }, (_, c) => found.filter((label) => label === c).length);
    };
    expect(counts(32, dspritesLocation)).toEqual(Array(16).fill(2));
    // 2.5 values in each class: three and two in turn.
    expect(counts(40, dspritesOrientation)).toEqual(Array.from({ length: 16 }, (_, i) => (i % 2 ? 2 : 3)));
    expect([0, 2, 34].map(smallnorbAzimuth)).toEqual([0, 1, 17]);
  });
});

describe("formats of originals", () => {
  it("scenes of CLEVR are read one by one, whatever lies around and in them", () => {
    const object = (z: number) => ({ pixel_coords: [1, 2, z], note: 'a "{" \\ }' });
    const scenes = [
      { image_filename: "a.png", objects: [object(9), object(8.5), object(10)], relationships: { left: [[1], []] } },
      { objects: [object(11)], image_filename: "b.png" },
    ];
    const bytes = utf8(JSON.stringify({ info: { split: "train" }, scenes }));
    expect(Array.from(readScenes(bytes, "s"))).toEqual([
      { file: "a.png", depths: [9, 8.5, 10] },
      { file: "b.png", depths: [11] },
    ]);
    expect(() => Array.from(readScenes(utf8('{"scenes":[{"image_filename":"a","objects":[{}]}]}'), "s"))).toThrow(
      /s, byte 11: expected a scene with objects/,
    );
    for (const text of ["", "{}", "[[[", '{"scenes":[{x}]}', bytes.slice(0, 40).toString()]) {
      expect(() => Array.from(readScenes(utf8(text), "s"))).toThrow(/^s/);
    }
  });
  it("labels of KITTI leave out what is not to be cared about", () => {
    const line = (type: string, z: number): string => `${type} 0 0 0 1 2 3 4 1 1 1 0 0 ${z} 0`;
    expect(readKittiLabel(`${line("Car", 12.5)}\n${line("DontCare", -1000)}\n`, "l")).toEqual([
      { type: "Car", z: 12.5 },
    ]);
    expect(() => readKittiLabel("Car 1 2", "l")).toThrow(/^l, line 1: expected 15 columns/);
  });
  it("heads of small NORB that do not fit their file are refused", () => {
    const head = (magic: number, axes: number, ...sides: number[]) =>
      new Uint8Array(Int32Array.of(magic, axes, ...sides, ...Array(8 - sides.length).fill(1)).buffer).slice(
        0,
        norbHeadBytes,
      );
    expect(readNorbHead(head(0x1e3d4c55, 4, 2, 2, 3, 3), 24 + 36, "m")).toEqual({
      shape: [2, 2, 3, 3],
      bytes: 1,
      dataStart: 24,
    });
    expect(readNorbHead(head(0x1e3d4c54, 2, 5, 4, 1), 20 + 80, "m").dataStart).toBe(20);
    const hostile = [
      [head(0x1e3d4c55, 4, 2 ** 30, 2 ** 30, 2 ** 30, 9), 100],
      [head(0x1e3d4c55, 2 ** 30), 100],
      [head(0x1e3d4c55, 2, -4, -4), 36],
      [head(7, 2, 1, 1), 24],
      [new Uint8Array(5), 5],
    ] as const;
    for (const [bytes, size] of hostile) expect(() => readNorbHead(bytes, size, "m")).toThrow(/^m: .*unpack \.gz/);
  });
});

describe("the draw of a sample", () => {
  const labels = (count: number) => Int32Array.from({ length: count }, (_, i) => i % 7);
  it("takes 800, 200 and the whole test part, and no image twice", () => {
    for (const one of vtabTasks) {
      const given = { train: labels(3000), val: labels(1500), test: labels(1200) };
      const { places } = drawSample(one, given, 3);
      expect([one.name, places.train.length, places.val.length]).toEqual([one.name, 800, 200]);
      const all = Object.values(places)
        .flat()
        .map(({ split, index }) => `${split} ${index}`);
      expect(new Set(all).size).toBe(all.length);
    }
  });
  it("follows the seed, and is the same for tasks of the same originals", () => {
    const given = { train: labels(2000), val: null, test: null };
    const [loc, ori] = [drawSample(task("dsprites_loc"), given, 1), drawSample(task("dsprites_ori"), given, 1)];
    expect(loc).toEqual(ori);
    expect(loc.places.test).toHaveLength(200);
    expect(drawSample(task("dsprites_loc"), given, 2)).not.toEqual(loc);
    expect(drawSample(task("dsprites_loc"), given, 1, 50).places.test).toEqual(loc.places.test.slice(0, 50));
  });
  it("divides each task by its own rule", () => {
    const given = { train: labels(2000), val: labels(1000), test: labels(900) };
    const splits = (name: string) => {
      const { places, division } = drawSample(task(name), given, 0);
      const of = (part: "train" | "val" | "test") =>
        [...new Set(places[part].map(({ split }) => split))].sort().join("+");
      return [of("train"), of("val"), of("test"), places.test.length, division];
    };
    expect(splits("dtd")).toEqual(["train", "val", "test", 900, "as they come"]);
    expect(splits("clevr_count").slice(0, 4)).toEqual(["train", "train", "val", 1000]);
    expect(splits("smallnorb_azi").slice(0, 4)).toEqual(["train", "test", "test", 450]);
    expect(splits("svhn").slice(0, 4)).toEqual(["train+val", "train+val", "test", 900]);
    expect(splits("eurosat").slice(3)).toEqual([780, "all images together, 60 : 20 : 20"]);
    expect(splits("oxford_iiit_pet")[4]).toContain("20 % of their training images");
  });
  it("takes thirty of each class for training where Caltech101 comes undivided", () => {
    const many = Int32Array.from({ length: 102 * 40 }, (_, i) => i % 102);
    const { places } = drawSample(task("caltech101"), { train: many, val: null, test: null }, 0);
    expect(places.test).toHaveLength(102 * 10);
    const seen = new Map<number, number>();
    for (const { index } of places.test) seen.set(index % 102, (seen.get(index % 102) ?? 0) + 1);
    expect(new Set(seen.values())).toEqual(new Set([10]));
  });
  it("says what is too few", () => {
    const given = { train: labels(500), val: labels(300), test: labels(10) };
    expect(() => drawSample(task("dtd"), given, 0)).toThrow(
      /dtd: expected originals with at least 800 images for train, found 500/,
    );
  });
});
