import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Adapter } from "../../src/adapter/file.js";
import { lowRankGraph } from "../../src/adapter/low-rank.js";
import { type PeftContext, parsePeftConfig, peftToAdapter } from "../../src/adapter/peft-file.js";
import { adaptedPredictor } from "../../src/adapter/predictor.js";
import { ConfigError, FormatError } from "../../src/errors.js";
import { peftAdapter } from "../../src/export/peft.js";
import { type Tensor, tensorOf } from "../../src/graph/index.js";
import { methodOf } from "../../src/methods/index.js";
import { openSession } from "../../src/train/lanes.js";
import { type Architecture, customArchitecture, parametersOf } from "../../src/vit/architecture.js";
import { blockPartOf, type HfVersion, hfModule, hfVersions, toHfNames } from "../../src/vit/hf-names.js";
import { bytesSource, readSafetensors } from "../../src/vit/safetensors.js";
import { readGolden } from "../golden/vit/read.js";
import {
  type Case,
  cases,
  normalization,
  onOrt,
  randomAdapter,
  randomBackbone,
  randomImages,
  tiny,
} from "../methods/cases.js";
import { errorBeside } from "./network.js";

afterAll(() => onOrt.close());

const folder = join(import.meta.dirname, "../golden/export");
const golden = await readGolden("network", "export");
const {
  mean,
  std,
  architecture: sizes,
  names,
} = golden.settings as unknown as {
  readonly mean: number[];
  readonly std: number[];
  readonly architecture: Parameters<typeof customArchitecture>[0];
  readonly names: readonly string[];
};
const architecture = customArchitecture(sizes);
const contextOf = (a: Architecture): PeftContext => ({
  backbone: { name: "tiny", hash: "0".repeat(64), architecture: { ...a, classes: 0 } },
  contract: { mean, std },
  transform: "decode|resize(16)",
  weights: golden.get,
  classNames: undefined,
  file: "adapter_model.safetensors",
});
const configOf = (name: string) => readFileSync(join(folder, `${name}.json`), "utf8");
const tensorsOf = async (name: string) =>
  (await readSafetensors(bytesSource(name, new Uint8Array(readFileSync(join(folder, `${name}.safetensors`)))))).tensors;

/** The logits of an adapter on frozen weights. */
async function logitsOf(
  a: Architecture,
  { method, options, tensors }: Pick<Adapter, "method" | "options" | "tensors">,
  frozen: (name: string) => Tensor,
  images: Tensor,
  contract = { mean, std },
): Promise<Float32Array> {
  const [microBatch = 0] = images.shape;
  const graph = adaptedPredictor({ architecture: a, normalization: contract, microBatch }, methodOf(method), options);
  const session = await openSession(onOrt, graph, frozen);
  const { logits } = await session.run({ ...tensors, images }).finally(() => session.close());
  return (logits as Tensor).data as Float32Array;
}

describe("adapters of HF PEFT", () => {
  it.each(["lora", "lora-patterns", "lora-bias"])("%s gives PEFT's logits", async (name) => {
    const adapter = peftToAdapter(
      parsePeftConfig(configOf(name), name),
      await tensorsOf(name),
      contextOf(architecture),
    );
    const a = { ...architecture, classes: adapter.classes.length };
    const got = await logitsOf(a, adapter, golden.get, golden.get("golden.pixels"));
    expect(errorBeside(golden.get(`golden.${name}`).data as Float64Array, got)).toBeLessThan(1e-5);
    expect(adapter.classes).toEqual(["0", "1", "2", "3"]);
  });

  it("of other kinds are refused by name", () => {
    expect(() => parsePeftConfig(configOf("dora"), "f")).toThrow(/f: use_dora is set/);
    const change = (values: object) => JSON.stringify({ ...JSON.parse(configOf("lora")), ...values });
    for (const [text, key] of [
      [change({ bias: "all" }), "bias"],
      [change({ peft_type: "LOHA" }), "peft_type"],
      [change({ layer_replication: [[0, 1]] }), "layer_replication"],
      [change({ brand_new: 3 }), "brand_new"],
      [change({ r: 2 ** 60 }), "r"],
      ["[]", "expected object"],
      ["{", "JSON"],
    ] as const) {
      expect(() => parsePeftConfig(text, "f"), text.slice(0, 40)).toThrow(FormatError);
      expect(() => parsePeftConfig(text, "f")).toThrow(key);
    }
  });

  it("that do not fit the backbone say where", async () => {
    const config = parsePeftConfig(configOf("lora"), "f");
    const tensors = await tensorsOf("lora");
    const [key] = [...tensors.keys()].filter((name) => name.includes("layers.1.") && name.includes("lora_A"));
    const first = key as string;
    const swap = (tensor?: Tensor) => {
      const changed = new Map(tensors);
      if (tensor) changed.set(first, tensor);
      else changed.delete(first);
      return changed;
    };
    const read =
      (t: ReadonlyMap<string, Tensor>, c = config, a = architecture) =>
      () =>
        peftToAdapter(c, t, contextOf(a));
    expect(read(swap())).toThrow(/layers\.1.*got nothing/);
    expect(read(swap(tensorOf("float32", [3, 5], new Float64Array(15))))).toThrow(/expected lora_A \[r, 16\]/);
    expect(
      read(new Map([...tensors, ["base_model.model.vit.pooler.lora_A.weight", tensors.get(first) as Tensor]])),
    ).toThrow(/pooler/);
    expect(read(tensors, { ...config, r: 5 })).toThrow(/expected rank 5/);
    expect(read(tensors, { ...config, rank_pattern: { "a|b": 2 } })).toThrow(/no name of a module/);
    expect(read(tensors, config, { ...architecture, blocks: 1 })).toThrow(/1 blocks/);
    expect(read(new Map())).toThrow(FormatError);
    expect(read(new Map([...tensors].filter(([name]) => !name.includes("classifier"))))).toThrow(/classifier/);
  });
});

describe("names of HF's ViT", () => {
  it("are those of its state dict, and can be read back", () => {
    const a = { ...architecture, classes: 4 };
    const tensors = parametersOf(a).map(
      ({ name, shape }) =>
        [name, tensorOf("float32", shape, new Float64Array(shape.reduce((x, y) => x * y, 1)))] as const,
    );
    expect([...toHfNames(tensors, "v5").keys()].sort()).toEqual(names);
    for (const version of hfVersions) {
      const found = [...toHfNames(tensors, version).keys()].flatMap(
        (name) => blockPartOf(name.replace(/\.(weight|bias)$/, "")) ?? [],
      );
      expect(found).toHaveLength(2 * 2 * 8);
    }
    expect(blockPartOf("vit.encoder.layer.1.attention.attention.query")).toEqual({ block: 1, part: "attn.q" });
    expect(blockPartOf("vit.layers.1.attention.query")).toBeUndefined();
  });
});

/** All modules of the tiny network's blocks that are linear maps. */
const hfModules = (version: HfVersion): string[] =>
  [0, 1, 2].flatMap((block) =>
    ["attn.q", "attn.k", "attn.v", "attn.proj", "mlp.fc1", "mlp.fc2"].map((part) => hfModule(block, part, version)),
  );

describe("an adapter as a LoRA for HF", () => {
  const find = (pattern: RegExp): Case => cases.find(({ title }) => pattern.test(title)) as Case;
  /** The exported adapter, and it read back. */
  async function carry(one: Case, rank?: number, version: HfVersion = "v5", isResized = false) {
    const [trained, frozen] = [randomAdapter(tiny, one), randomBackbone(tiny)];
    const graph = lowRankGraph({ architecture: tiny, method: one.method, methodOptions: one.options });
    const session = await openSession(onOrt, graph, frozen);
    const changes = await session.run(trained).finally(() => session.close());
    const head = { weight: trained["head.weight"] as Tensor, bias: trained["head.bias"] as Tensor };
    const given = {
      architecture: tiny,
      changes,
      weights: frozen,
      isResized,
      head,
      version,
      rank,
      baseModel: "tiny",
    } as const;
    return { trained, frozen, made: peftAdapter(given) };
  }
  const exact = cases.filter(
    ({ title, options: { form, specific } }) =>
      /^(sas|lora|vera|fact|arc|rep-adapter)/.test(title) && (form !== "affine" || specific === false),
  );
  const named = exact.map((one, i) => [one.title, one, hfVersions[i % 2] ?? "v5"] as const);
  it.each(named)("%s is exact, and read back", async (_, one, version) => {
    const { trained, frozen, made } = await carry(one, undefined, version);
    const config = parsePeftConfig(JSON.stringify(made.config), "f");
    const back = peftToAdapter(config, made.tensors, contextOf(tiny));
    const images = randomImages(tiny);
    const own = { method: one.method.name, options: one.options, tensors: trained };
    const wanted = await logitsOf(tiny, own, frozen, images, normalization);
    expect(errorBeside(wanted, await logitsOf(tiny, back, frozen, images, normalization))).toBeLessThan(1e-5);
  });

  it("names modules as either version of transformers does", async () => {
    const one = find(/^lora .*"proj"/);
    const modulesFor = async (version: HfVersion) => {
      const { config, tensors } = (await carry(one, undefined, version)).made;
      const wanted = config.target_modules as readonly string[];
      // PEFT takes a module whose name ends in one of the targets; both kinds of names end in `dense` or `fc1` more than once.
      const all = hfModules(version);
      const found = all.filter((module) => wanted.some((end) => module === end || module.endsWith(`.${end}`)));
      const stored = [...tensors.keys()].flatMap((name) => /^base_model\.model\.(.+)\.lora_A/.exec(name)?.[1] ?? []);
      expect(found.sort()).toEqual(stored.sort());
      return stored;
    };
    expect((await modulesFor("v4"))[0]).toBe("vit.encoder.layer.0.attention.attention.key");
    expect((await modulesFor("v5"))[0]).toBe("vit.layers.0.attention.k_proj");
  });

  it("names the modules one by one where the end of a name is that of others too", async () => {
    const method = methodOf("lora");
    const one = { title: "fc2", method, options: method.resolve(tiny, { targets: ["fc2"] }) };
    const targets = async (version: HfVersion) => (await carry(one, undefined, version)).made.config.target_modules;
    // `output.dense` is the end of `attention.output.dense` as well.
    expect(await targets("v4")).toEqual([0, 1, 2].map((block) => `vit.encoder.layer.${block}.output.dense`));
    expect(await targets("v5")).toEqual(["mlp.fc2"]);
  });

  it("takes resized position embeddings along, and refuses others when they are read", async () => {
    const one = find(/^lora .*"proj"/);
    const { made, frozen, trained } = await carry(one, undefined, "v5", true);
    expect(made.config.modules_to_save).toEqual(["classifier", "vit.embeddings"]);
    const stored = [...made.tensors.keys()].flatMap(
      (name) => /^base_model\.model\.(vit\.embeddings\..+)/.exec(name)?.[1] ?? [],
    );
    expect(stored.sort()).toEqual(names.filter((name) => name.startsWith("vit.embeddings.")));
    const config = parsePeftConfig(JSON.stringify(made.config), "f");
    const back = peftToAdapter(config, made.tensors, { ...contextOf(tiny), weights: frozen });
    const images = randomImages(tiny);
    const own = { method: one.method.name, options: one.options, tensors: trained };
    const wanted = await logitsOf(tiny, own, frozen, images, normalization);
    expect(errorBeside(wanted, await logitsOf(tiny, back, frozen, images, normalization))).toBeLessThan(1e-5);
    const { shape } = frozen("pos_embed");
    const zeros = tensorOf("float32", shape, new Float64Array(shape.reduce((x, y) => x * y, 1)));
    const other = (name: string): Tensor => (name === "pos_embed" ? zeros : frozen(name));
    expect(() => peftToAdapter(config, made.tensors, { ...contextOf(tiny), weights: other })).toThrow(
      /^adapter_model.*pos_embed is another/,
    );
  });

  it("of full rank needs a rank, and tells its error", async () => {
    const one = find(/"affine".*"embedding":4/);
    await expect(carry(one)).rejects.toThrow(/full rank.*--rank/);
    const errors = await Promise.all(
      [1, 4, 12].map(async (rank) => [...(await carry(one, rank)).made.errors.values()]),
    );
    const means = errors.map((all) => all.reduce((sum, e) => sum + e, 0) / all.length);
    expect(means[0]).toBeGreaterThan(means[1] as number);
    expect(means[1]).toBeGreaterThan(0.01);
    expect(means[2]).toBeLessThan(1e-6);
  });

  it("carries shifts as biases of B", async () => {
    const { made } = await carry(find(/^arc/));
    expect(made.config.lora_bias).toBe(true);
    expect([...made.tensors.keys()].filter((name) => name.endsWith("lora_B.bias"))).toHaveLength(3 * 4);
  });

  it("is refused where it changes more than the maps", async () => {
    for (const name of ["ssf", "bitfit", "full", "layer-norm", "vpt-deep", "convpass"]) {
      await expect(carry(find(new RegExp(`^${name} `))), name).rejects.toThrow(ConfigError);
    }
  });
});
