import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { strToU8, zipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodePng } from "../../src/data/drawn-png.js";
import { openDataset } from "../../src/platform/datasets.js";
import { decodeImage } from "../../src/platform/images.js";
import { checkVtab } from "../../src/platform/vtab/check.js";
import { drawVtab } from "../../src/platform/vtab/draw.js";
import { compareManifest, readManifest, writeManifest } from "../../src/platform/vtab/manifest.js";
import { parquetFile } from "../data/parquet-file.js";

let root: string;
let from: string;
let own: string;
const put = async (name: string, bytes: Uint8Array | string): Promise<void> => {
  await mkdir(dirname(join(root, name)), { recursive: true });
  await writeFile(join(root, name), bytes);
};
/** A picture of one pixel that says its number. */
const picture = (i: number): Uint8Array => encodePng({ width: 1, height: 1, data: Uint8Array.of(i & 255, i >> 8, 7) });

/** A NumPy array. @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
function npy(descr: string, shape: readonly number[], data: Uint8Array): Uint8Array {
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`.padEnd(117);
  const head = Buffer.concat([
    Buffer.from("\x93NUMPY\x01\x00", "latin1"),
    Buffer.from([118, 0]),
    Buffer.from(`${text}\n`),
  ]);
  return Buffer.concat([head, data]);
}
const matrix = (magic: number, shape: readonly number[], data: Uint8Array): Uint8Array =>
  Buffer.concat([
    Buffer.from(Int32Array.of(magic, shape.length, ...shape, ...(shape.length < 3 ? [1] : [])).buffer),
    data,
  ]);

const sprites = 2400;
/** Of sprite `i`: x is `i % 32`, orientation `i % 40`; its first pixels hold `i` in bits. */
async function writeSprites(): Promise<void> {
  const latents = new BigInt64Array(6 * sprites);
  const imgs = new Uint8Array(16 * sprites);
  for (let i = 0; i < sprites; i++) {
    latents[6 * i + 3] = BigInt(i % 40);
    latents[6 * i + 4] = BigInt(i % 32);
    for (let bit = 0; bit < 16; bit++) imgs[16 * i + bit] = (i >> bit) & 1;
  }
  const arrays = {
    "metadata.npy": npy("|O", [], strToU8("pickle")),
    "imgs.npy": npy("|u1", [sprites, 4, 4], imgs),
    "latents_classes.npy": npy("<i8", [sprites, 6], new Uint8Array(latents.buffer)),
  };
  await put("from/dsprites/dsprites.npz", zipSync(arrays, { level: 6 }));
}

async function writeNorb(): Promise<void> {
  for (const [half, count] of [
    ["training", 900],
    ["testing", 500],
  ] as const) {
    const first = half === "training" ? 0 : 2000;
    const dat = new Uint8Array(count * 8).map((_, i) => ((first + (i >> 3)) >> (4 * (i & 3))) & 15);
    const info = Int32Array.from({ length: 4 * count }, (_, i) => [0, i % 9, 2 * ((i >> 2) % 18), 0][i % 4] as number);
    for (let i = 0; i < count; i++) info[4 * i + 1] = i % 9;
    await put(`from/smallnorb/smallnorb-${half}-dat.mat`, matrix(0x1e3d4c55, [count, 2, 2, 2], dat));
    await put(`from/smallnorb/smallnorb-${half}-info.mat`, matrix(0x1e3d4c54, [count, 4], new Uint8Array(info.buffer)));
  }
}

async function writeClevr(): Promise<void> {
  for (const [split, count] of [
    ["train", 2050],
    ["val", 30],
  ] as const) {
    const scenes = Array.from({ length: count }, (_, i) => ({
      image_filename: `CLEVR_${split}_${i}.png`,
      objects: Array.from({ length: 3 + (i % 8) }, () => ({ pixel_coords: [0, 0, 7.75 + 0.5 * (i % 6)] })),
    }));
    await put(`from/CLEVR_v1.0/scenes/CLEVR_${split}_scenes.json`, JSON.stringify({ info: {}, scenes }));
    await mkdir(join(root, `from/CLEVR_v1.0/images/${split}`), { recursive: true });
    for (let i = 0; i < count; i++)
      await writeFile(
        join(root, `from/CLEVR_v1.0/images/${split}/CLEVR_${split}_${i}.png`),
        picture(split === "val" ? 9600 + i : i),
      );
  }
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sas-petl-vtab-"));
  from = join(root, "from");
  own = join(root, "own");
  const rows = (count: number, classes: number, start = 0) => [
    Array.from({ length: count }, (_, i) => [picture(start + i), i % classes] as const),
  ];
  const inGroups = (rows: readonly (readonly [Uint8Array, number])[]) =>
    [0, 1, 2, 3].map((i) => rows.slice(i * 600, (i + 1) * 600)).filter((group) => group.length > 0);
  const names = (count: number) => Array.from({ length: count }, (_, i) => `class ${i}`);
  await put("from/svhn/data/train-00000-of-00001.parquet", parquetFile(inGroups(rows(2050, 10)[0] ?? []), names(10)));
  await put("from/svhn/data/test-00000-of-00001.parquet", parquetFile(rows(40, 10, 5000), names(10)));
  await put("from/dmlab/train-0.parquet", parquetFile(rows(1200, 5), names(5)));
  await put("from/patch_camelyon/train_x.h5", "h5");
  await Promise.all([writeSprites(), writeNorb(), writeClevr()]);
}, 60_000);
afterAll(() => rm(root, { recursive: true }));

describe("an own sample", () => {
  it("is drawn of whatever can be read, and says why the others are not", async () => {
    const outcomes = await drawVtab({ from, out: own });
    const states = Object.fromEntries(outcomes.map(({ task, state }) => [task, state]));
    const drawn = Object.keys(states).filter((name) => states[name] === "drawn");
    expect(drawn).toEqual([
      "svhn",
      "clevr_count",
      "clevr_dist",
      "dsprites_loc",
      "dsprites_ori",
      "smallnorb_azi",
      "smallnorb_ele",
    ]);
    const text = (name: string) => outcomes.find(({ task }) => task === name)?.text;
    expect(text("dmlab")).toMatch(/expected 6 classes, found 5/);
    expect(text("patch_camelyon")).toMatch(/there is no reader for HDF5 files/);
    expect(text("kitti")).toMatch(/no originals: expected a folder or file kitti/);
    expect((await readdir(own)).sort()).toEqual([...drawn].sort());
  }, 60_000);

  it("is in order, is marked in its folder, and is opened like any other", async () => {
    const checks = (await checkVtab(own)).filter(({ state }) => state !== "missing");
    expect(checks.flatMap(({ faults }) => faults)).toEqual([]);
    expect(new Set(checks.map(({ state }) => state))).toEqual(new Set(["own sample"]));
    const info = JSON.parse(await readFile(join(own, "svhn/info.json"), "utf8")) as Record<string, unknown>;
    expect(info).toMatchObject({
      sample: "own sample",
      seed: 0,
      task: "svhn",
      images: { train: 800, val: 200, test: 40 },
    });
    const { classes, splits, isOwnSample } = await openDataset(join(own, "svhn"));
    expect([classes[3], splits.train?.count, splits.val?.count, isOwnSample]).toEqual(["class 3", 800, 200, true]);
  });

  it("keeps every image with its label", async () => {
    const pixels = async (task: string) => {
      const { splits } = await openDataset(join(own, task));
      const { train, test } = splits;
      return Promise.all(
        [train, test].flatMap((examples) =>
          [0, 1, 2, 20].map(async (i) => {
            const { data } = await decodeImage((await examples?.read(i)) ?? new Uint8Array(), "x", []);
            return { data, label: examples?.labels[i] };
          }),
        ),
      );
    };
    for (const { data, label } of await pixels("svhn")) {
      const number = (data[0] ?? 0) + 256 * (data[1] ?? 0);
      expect(label).toBe((number >= 5000 ? number - 5000 : number) % 10);
    }
    for (const [task, of] of [
      ["dsprites_loc", (i: number) => (i % 32) >> 1],
      ["dsprites_ori", (i: number) => Math.floor((i % 40) / 2.5)],
    ] as const) {
      for (const { data, label } of await pixels(task)) {
        const number = Array.from({ length: 16 }, (_, bit) => (data[3 * bit] === 255 ? 2 ** bit : 0)).reduce(
          (a, b) => a + b,
        );
        expect(label).toBe(of(number));
      }
    }
    for (const { data, label } of await pixels("clevr_count"))
      expect(label).toBe(((data[0] ?? 0) + 256 * (data[1] ?? 0)) % 8);
    for (const { data, label } of await pixels("clevr_dist"))
      expect(label).toBe(((data[0] ?? 0) + 256 * (data[1] ?? 0)) % 6);
  });

  it("keeps finished tasks, refuses a folder that is not empty, and other draws in it", async () => {
    await expect(drawVtab({ from, out: own })).rejects.toThrow(/the folder is not empty/);
    const [again] = await drawVtab({ from, out: own, tasks: ["svhn"], resume: true });
    expect(again?.state).toBe("already there");
    const [other] = await drawVtab({ from, out: own, tasks: ["svhn"], seed: 1, resume: true });
    expect(other).toMatchObject({ state: "refused", text: expect.stringMatching(/was not drawn .* seed 1/) });
    await expect(drawVtab({ from, out: join(from, "own") })).rejects.toThrow(/lies within the originals/);
    await expect(drawVtab({ from, out: own, tasks: ["euroset"] })).rejects.toThrow(/Did you mean eurosat/);
  });

  it("leaves nothing half done when it is interrupted, and goes on later to the same bytes", async () => {
    const out = join(root, "stopped");
    const controller = new AbortController();
    const onProgress = (task: string, done: number) => {
      if (task === "clevr_count" && done === 100) controller.abort(new Error("stop"));
    };
    await expect(drawVtab({ from, out, onProgress, signal: controller.signal })).rejects.toThrow("stop");
    expect(await readdir(out)).toEqual(["svhn"]);
    const outcomes = await drawVtab({ from, out, tasks: ["svhn", "clevr_count"], resume: true });
    expect(outcomes.map(({ state }) => state)).toEqual(["already there", "drawn"]);
    const digests = async (folder: string) =>
      (await checkVtab(folder, { tasks: ["svhn", "clevr_count"] })).map(({ digest }) => digest);
    expect(await digests(out)).toEqual(await digests(own));
  });
});

describe("a check", () => {
  const faultsAfter = async (change: (folder: string) => Promise<void>) => {
    const copy = await mkdtemp(join(root, "copy-"));
    await cp(join(own, "svhn"), join(copy, "svhn"), { recursive: true });
    await rm(join(copy, "svhn/info.json"));
    await change(join(copy, "svhn"));
    const [check] = await checkVtab(copy, { tasks: ["svhn"] });
    await rm(copy, { recursive: true });
    return { state: check?.state, text: check?.faults.join("\n") ?? "", notes: check?.notes.join("\n") ?? "" };
  };
  const edit = (folder: string, list: string, of: (text: string) => string) =>
    readFile(join(folder, list), "utf8").then((text) => writeFile(join(folder, list), of(text)));

  it("never calls a thinned test split complete", async () => {
    const { state, text, notes } = await faultsAfter(async () => {});
    expect([state, text]).toEqual(["subset", ""]);
    expect(notes).toMatch(/test.txt names 40 of VTAB-1k's 26032 images: a subset/);
  });

  it.each<readonly [string, (folder: string) => Promise<void>, RegExp]>([
    ["a list that is missing", (f) => rm(join(f, "val200.txt")), /val200.txt is missing/],
    [
      "a file that is missing",
      (f) => rm(join(f, "images/test/000007.png")),
      /test.txt: 1 image cannot be read; first images.test.000007.png: there is no such file/,
    ],
    [
      "a file that is no image",
      (f) => writeFile(join(f, "images/train/000801.png"), "x"),
      /val200.txt: 1 image cannot be read.*not an image/,
    ],
    [
      "a label beyond the classes",
      (f) => edit(f, "test.txt", (t) => t.replace(/ \d+\n/, " 10\n")),
      /1 label beyond 9, first 10/,
    ],
    [
      "another count",
      (f) => edit(f, "train800.txt", (t) => t.slice(0, t.lastIndexOf("images"))),
      /train800.txt names 799 images; expected 800/,
    ],
    [
      "a label that differs in the union",
      (f) => edit(f, "train800val200.txt", (t) => t.replace(/ (\d)\n/, (_, d) => ` ${(Number(d) + 1) % 10}\n`)),
      /does not hold the images of/,
    ],
    [
      "a test image of the training list",
      (f) => edit(f, "test.txt", (t) => t.replace("images/test/000000", "images/train/000000")),
      /share 1 path, first images.train.000000.png/,
    ],
    [
      "a path listed twice",
      (f) => edit(f, "test.txt", (t) => t.replace("000001.png", "000000.png")),
      /names images.test.000000.png more than once/,
    ],
    ["a line that is no line", (f) => edit(f, "test.txt", () => "what\n"), /test.txt, line 1: expected "PATH LABEL"/],
  ])("finds %s", async (_, change, message) => {
    const { state, text } = await faultsAfter(change);
    expect(state).toBe("faulty");
    expect(text).toMatch(message);
  });

  it("notes one image that is also in training, and faults many", async () => {
    const copies = (count: number) => async (folder: string) => {
      for (let i = 0; i < count; i++) {
        const name = String(i).padStart(6, "0");
        await cp(join(folder, `images/train/${name}.png`), join(folder, `images/test/${name}.png`));
      }
    };
    const one = await faultsAfter(copies(1));
    expect([one.state, one.notes]).toEqual([
      "subset",
      expect.stringMatching(/1 image of test.txt is also in train800val200.txt/),
    ]);
    expect((await faultsAfter(copies(10))).text).toMatch(/10 images of test.txt are also in/);
  });

  it("tells an own sample whose files were changed", async () => {
    const copy = join(root, "changed");
    await cp(join(own, "svhn"), join(copy, "svhn"), { recursive: true });
    await writeFile(join(copy, "svhn/images/test/000000.png"), picture(60_000));
    const [check] = await checkVtab(copy, { tasks: ["svhn"] });
    expect(check?.faults).toEqual(["lists or images are not those that info.json was written for."]);
  });

  it("compares with a manifest, list by list", async () => {
    const file = join(root, "manifest.json");
    await writeManifest(file, await checkVtab(own));
    const manifest = await readManifest(file);
    const same = compareManifest(await checkVtab(own, { tasks: ["svhn"] }), manifest);
    expect([same[0]?.faults, same[0]?.notes.at(-1)]).toEqual([[], "equal to the manifest."]);
    const changed = compareManifest(await checkVtab(join(root, "changed"), { tasks: ["svhn", "dtd"] }), manifest);
    expect(changed.find(({ task }) => task === "svhn")?.faults).toContain(
      "test.txt: the lines are those of the manifest, the images are not.",
    );
    await writeFile(file, "{}");
    await expect(readManifest(file)).rejects.toThrow(/no manifest of VTAB-1k/);
  });

  it("refuses a folder without any task", async () => {
    await mkdir(join(root, "empty"));
    await expect(checkVtab(join(root, "empty"))).rejects.toThrow(/no folder of a task of VTAB-1k/);
  });
});

const shared = "../shared/data/vtab-1k";
describe.skipIf(!existsSync(shared))("real tasks (skipped where ../shared is absent)", () => {
  it("are subsets without faults", async () => {
    const present = (await checkVtab(shared)).filter(({ state }) => state !== "missing");
    expect(present.map(({ task, state, faults }) => [task, state, faults])).toEqual([
      ["caltech101", "subset", []],
      ["eurosat", "subset", []],
    ]);
  });
});
