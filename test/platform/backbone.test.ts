import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FormatError } from "../../src/errors.js";
import { openBackbone, writeBackbone } from "../../src/platform/backbone.js";
import { inspect } from "../../src/platform/inspect.js";
import { customArchitecture, parameterCount } from "../../src/vit/architecture.js";
import { completeContract } from "../../src/vit/contract.js";
import { randomWeights } from "../../src/vit/random-weights.js";

const architecture = customArchitecture({
  imageSize: [16, 24],
  patchSize: 8,
  width: 16,
  blocks: 2,
  heads: 2,
  classes: 3,
});
const classNames = ["cat", "dog", "cow"];
const { contract } = completeContract({ mean: [0.1, 0.2, 0.3], std: [1, 2, 3], classNames }, architecture.imageSize);

let folder: string;
let weights: ReturnType<typeof randomWeights>;
const cache = process.env.XDG_CACHE_HOME;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sas-backbone-"));
  process.env.XDG_CACHE_HOME = join(folder, "cache");
  let turn = 0;
  weights = randomWeights(architecture, () => () => Math.sin(turn++));
  await writeBackbone(join(folder, "net"), { architecture, contract, weights });
});
afterEach(async () => {
  if (cache === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = cache;
  await rm(folder, { recursive: true });
});

describe("backbone folder", () => {
  it("is read as it was written", async () => {
    const backbone = await openBackbone(join(folder, "net"));
    expect(backbone.architecture).toEqual(architecture);
    expect(backbone.contract).toEqual(contract);
    expect(backbone.name).toBe("net");
    expect(backbone.warnings).toEqual([]);
    for (const [name, t] of weights) expect(backbone.weights.get(name)).toEqual(t);
  });

  it("is written with the same bytes each time", async () => {
    await writeBackbone(join(folder, "again"), { architecture, contract, weights: new Map([...weights].toReversed()) });
    for (const name of ["model.safetensors", "config.json"]) {
      expect(await readFile(join(folder, "again", name))).toEqual(await readFile(join(folder, "net", name)));
    }
  });

  it("is read from a single safetensors file of another name, and without a config", async () => {
    await rename(join(folder, "net", "model.safetensors"), join(folder, "net", "best.safetensors"));
    await rm(join(folder, "net", "config.json"));
    await expect(openBackbone(join(folder, "net"))).rejects.toThrow(/State the image size/);
    await writeFile(join(folder, "net", "config.json"), '{"model_args":{"img_size":[16,24],"num_heads":2}}');
    expect((await openBackbone(join(folder, "net"))).warnings.join()).toMatch(/no mean/);
    await writeFile(join(folder, "net", "last.safetensors"), "");
    await expect(openBackbone(join(folder, "net"))).rejects.toThrow(/got 2 \(best.safetensors, last.safetensors\)/);
  });

  it("says what is wrong", async () => {
    await expect(openBackbone(join(folder, "none"))).rejects.toThrow(/none: expected a backbone's folder.*got nothing/);
    await expect(openBackbone(join(folder, "net", "config.json"))).rejects.toThrow(/got a file/);
    await mkdir(join(folder, "bare"));
    await expect(openBackbone(join(folder, "bare"))).rejects.toThrow(
      /bare: holds no weights .* expected model\.safetensors, got nothing/,
    );
    await writeFile(join(folder, "bare", "pytorch_model.bin"), "x");
    await expect(openBackbone(join(folder, "bare"))).rejects.toThrow(
      /pytorch_model\.bin: expected safetensors, \.npz or a file of torch\.save/,
    );
    await writeFile(join(folder, "net", "config.json"), "{");
    await expect(openBackbone(join(folder, "net"))).rejects.toThrow(/config\.json: no valid JSON/);
    await truncate(join(folder, "net", "model.safetensors"), 5000);
    await rm(join(folder, "net", "config.json"));
    const error = await openBackbone(join(folder, "net")).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(FormatError);
    expect((error as Error).message).toMatch(/model\.safetensors: the tensors take \d+ bytes, the file holds/);
  });
});

describe("weights in other places", () => {
  const families = join(import.meta.dirname, "../golden/vit/families");
  const sharded = async (change: (index: { weight_map: Record<string, unknown> }) => object): Promise<string> => {
    await cp(join(families, "timm-vit-sharded"), join(folder, "sharded"), { recursive: true, force: true });
    const path = join(folder, "sharded", "model.safetensors.index.json");
    const index = JSON.parse(await readFile(path, "utf8")) as { weight_map: Record<string, unknown> };
    await writeFile(path, JSON.stringify(change(index)));
    return join(folder, "sharded");
  };

  it("are read from a file, with the config beside it", async () => {
    const byFile = await openBackbone(join(families, "google-augreg", "B_16.npz"));
    const byFolder = await openBackbone(join(families, "google-augreg"));
    expect([byFile.name, byFolder.name]).toEqual(["B_16", "google-augreg"]);
    expect(await byFile.hash()).toBe(await byFolder.hash());
    expect((await openBackbone(join(families, "timm-vit", "model.safetensors"))).warnings).toEqual([]);
  });

  it.each<[string, Parameters<typeof sharded>[0], RegExp]>([
    [
      "a shard that is missing",
      (i) => ({ weight_map: { ...i.weight_map, x: "other.safetensors" } }),
      /other\.safetensors: there is no such file/,
    ],
    [
      "a tensor that is in no shard",
      (i) => ({ weight_map: { ...i.weight_map, x: "model-00001-of-00002.safetensors" } }),
      /expected the tensor "x", which/,
    ],
    [
      "a tensor that is in no index",
      ({ weight_map: { "norm.bias": _, ...rest } }) => ({ weight_map: rest }),
      /"norm\.bias" is not in/,
    ],
    [
      "a way out of the folder",
      (i) => ({ weight_map: { ...i.weight_map, x: "../net/model.safetensors" } }),
      /weight_map: "x": expected the name/,
    ],
    ["a number for a file", (i) => ({ weight_map: { ...i.weight_map, x: 3 } }), /got 3/],
    ["no map", () => ({}), /expected an object weight_map/],
    ["an empty map", () => ({ weight_map: {} }), /names no tensor/],
  ])("are refused with %s", async (_, change, message) => {
    await expect(openBackbone(await sharded(change))).rejects.toThrow(message);
  });

  it("are inspected", async () => {
    const byFile = await inspect(join(families, "timm-vit-pth", "checkpoint.pth"));
    expect(byFile).toMatchObject({ kind: "backbone", backbone: 1696 });
    expect(await inspect(join(families, "dinov2"))).toMatchObject({ kind: "backbone", unused: ["mask_token"] });
    expect(await inspect(join(families, "timm-vit", "model.safetensors"))).toMatchObject({ kind: "backbone" });
  });
});

describe("hash", () => {
  const open = () => openBackbone(join(folder, "net"));
  const entry = async () => {
    const hashes = process.platform === "linux" ? join(folder, "cache", "sas-petl", "hashes") : "";
    return join(hashes, (await readdir(hashes))[0] ?? "");
  };

  it.skipIf(process.platform !== "linux")(
    "is cached by the file's version; a broken cache is ignored (the cache's place: Linux)",
    async () => {
      const hash = await (await open()).hash();
      expect(hash).toMatch(/^[0-9a-f]{64}$/);
      const path = await entry();
      const stored = JSON.parse(await readFile(path, "utf8")) as Record<string, string>;
      const other = createHash("sha256").digest("hex");
      await writeFile(path, JSON.stringify({ ...stored, hash: other }));
      expect(await (await open()).hash(), "the cache is asked").toBe(other);
      for (const broken of [
        "",
        "{",
        "null",
        "[]",
        JSON.stringify({ ...stored, hash: 7 }),
        JSON.stringify({ hash: other }),
      ]) {
        await writeFile(path, broken);
        expect(await (await open()).hash()).toBe(hash);
      }
      const changed = new Map(weights);
      changed.delete("head.weight");
      changed.delete("head.bias");
      changed.set("norm.bias", { dtype: "float32", shape: [16], data: new Float32Array(16).fill(1) });
      await writeBackbone(join(folder, "net"), {
        architecture: { ...architecture, classes: 0 },
        contract,
        weights: changed,
      });
      expect(await (await open()).hash()).not.toBe(hash);
    },
  );

  it("needs no cache", async () => {
    await writeFile(join(folder, "file"), "");
    process.env.XDG_CACHE_HOME = join(folder, "file", "below");
    const backbone = await open();
    expect(await backbone.hash()).toMatch(/^[0-9a-f]{64}$/);
    expect(backbone.hash()).toBe(backbone.hash());
  });
});

const real = join(import.meta.dirname, "../../../shared/weights/vit_tiny_patch16_224");
describe.skipIf(!existsSync(real))("the pretrained ViT-Tiny (skipped where ../shared is absent)", () => {
  it("is read whole, and its hash stays", async () => {
    const backbone = await openBackbone(real);
    expect(backbone.name).toBe("vit_tiny_patch16_224");
    expect(backbone.architecture).toMatchObject({
      width: 192,
      blocks: 12,
      heads: 3,
      classes: 1000,
      imageSize: [224, 224],
    });
    expect(parameterCount(backbone.architecture, { head: true })).toBe(5_717_416);
    expect([...backbone.weights.values()].reduce((n, t) => n + t.data.length, 0)).toBe(5_717_416);
    expect(backbone.contract).toMatchObject({ mean: [0.5, 0.5, 0.5], interpolation: "bicubic", cropFraction: 0.9 });
    expect(backbone.warnings).toEqual([]);
    expect(await backbone.hash()).toBe("0349e0f8f61dfb8fd2594c662d4aa7d05845a6f74dabbe48a3889fb692dea5c5");
  });
});
