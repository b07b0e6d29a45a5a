import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FormatError } from "../../src/errors.js";
import { openBackbone, writeBackbone } from "../../src/platform/backbone.js";
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
    await expect(openBackbone(join(folder, "bare"))).rejects.toThrow(/expected model\.safetensors, there is none/);
    await writeFile(join(folder, "bare", "pytorch_model.bin"), "x");
    await expect(openBackbone(join(folder, "bare"))).rejects.toThrow(/pytorch_model\.bin: .*damaged/);
    await writeFile(join(folder, "net", "config.json"), "{");
    await expect(openBackbone(join(folder, "net"))).rejects.toThrow(/config\.json: no valid JSON/);
    await truncate(join(folder, "net", "model.safetensors"), 5000);
    await rm(join(folder, "net", "config.json"));
    const error = await openBackbone(join(folder, "net")).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(FormatError);
    expect((error as Error).message).toMatch(/model\.safetensors: the tensors take \d+ bytes, the file holds/);
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
