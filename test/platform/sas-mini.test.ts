import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { evaluate } from "../../src/platform/evaluate.js";
import { locateBackbone, openLocated } from "../../src/platform/hub.js";
import { inspect } from "../../src/platform/inspect.js";
import { architectureOf, parameterCount } from "../../src/vit/architecture.js";
import { useScratchCache } from "../support/scratch-cache.js";

useScratchCache();

const card = readFileSync("models/sas-mini/README.md", "utf8");

describe("sas-mini, the backbone that comes with the package", () => {
  it("is found by its name from anywhere, and is the same place everywhere", async () => {
    const found = await locateBackbone("sas-mini");
    expect(found.place).toBe("sas-mini");
    expect(existsSync(found.folder)).toBe(true);
    const inspected = await inspect("sas-mini");
    expect(inspected).toMatchObject({ kind: "backbone", place: "sas-mini" });
  });

  it("is what its card says, in half precision and at most 6 MB", async () => {
    const { architecture, weights, hash, warnings, unused } = await openLocated("sas-mini");
    const { classes: _, ...wanted } = architectureOf("vit_sas_mini_patch8_64");
    expect(architecture).toMatchObject(wanted);
    expect([architecture.classes, warnings, unused]).toEqual([200, [], []]);
    expect(parameterCount(architecture)).toBeLessThan(3e6);
    expect(statSync("models/sas-mini/model.safetensors").size).toBeLessThan(6e6);
    expect([...weights.values()].every(({ data }) => (data as Float32Array).every(Number.isFinite))).toBe(true);
    expect(card).toContain(await hash());
  });

  it("gives way to a folder of that name", async () => {
    const before = process.cwd();
    const folder = realpathSync(mkdtempSync(join(tmpdir(), "sas-mini-")));
    mkdirSync(join(folder, "sas-mini"));
    process.chdir(folder);
    try {
      expect((await locateBackbone("sas-mini")).place).toBe(join(folder, "sas-mini"));
    } finally {
      process.chdir(before);
      rmSync(folder, { recursive: true });
    }
  });
});

const images = fileURLToPath(new URL("../../../shared/data/tiny-imagenet", import.meta.url));
describe.skipIf(!existsSync(images))("sas-mini on its own classes (skipped where ../shared is absent)", () => {
  it("is as good on the validation images as its card says", async () => {
    const { top1, images: count } = await evaluate({ backbone: "sas-mini", data: images, split: "val" });
    expect(count).toBe(2000);
    const [, stated] = /\| accuracy on the 2000 validation images \| ([\d.]+) % \|/.exec(card) ?? [];
    // Another processor may round another way: three images of 2000.
    expect(Math.abs(100 * top1 - Number(stated))).toBeLessThan(0.15);
  }, 120_000);
});
