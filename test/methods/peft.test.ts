import { expect, it } from "vitest";
import { constant, graph, input, type Tensor, toNumbers, weight } from "../../src/graph/index.js";
import { type AnyMethod, methodOf } from "../../src/methods/index.js";
import { veraAround } from "../../src/methods/vera.js";
import { ReferenceExecutor } from "../../src/run/reference.js";
import { customArchitecture } from "../../src/vit/architecture.js";
import { classify, features } from "../../src/vit/model.js";
import { readGolden } from "../golden/vit/read.js";
import { relativeError } from "../support/closeness.js";
import { as } from "../support/golden-training.js";

const a = customArchitecture({ imageSize: [32, 32], patchSize: 8, width: 24, blocks: 2, heads: 3, classes: 5 });

it.each(["lora", "vera"])("%s gives the logits of HF PEFT, in double precision", async (name) => {
  const file = await readGolden(name, "methods");
  const { mean, std, options } = file.settings as { mean: number[]; std: number[]; options: { targets: [] } };
  const method: AnyMethod = methodOf(name);
  const resolved = method.resolve(a, options);
  const names = method.parameters(a, resolved).map((parameter) => parameter.name);
  expect([...file.tensors.keys()].filter((key) => key.startsWith(`${name}.`)).sort()).toEqual(names.toSorted());

  const value = (key: string) => input(key, file.get(key).shape, "float64");
  const matrix = (key: string) => constant(as("float64", file.get(key)));
  // PEFT draws the frozen matrices of VeRA from PyTorch's generator, so the file holds them.
  const adaptation =
    name === "vera"
      ? veraAround(matrix("golden.down"), matrix("golden.up"), options.targets, value)
      : method.adapt(a, resolved, value);
  const pixels = file.get("golden.pixels");
  const images = input("images", pixels.shape, "uint8");
  const pooled = features(a, { images, normalization: { mean, std }, adaptation, dtype: "float64" });
  const head = [weight("head.weight", [5, 24], "float64"), weight("head.bias", [5], "float64")] as const;
  const session = await new ReferenceExecutor().load(graph("network", { logits: classify(pooled, ...head) }), (key) =>
    as("float64", file.get(key)),
  );
  const feeds = Object.fromEntries(names.map((key) => [key, as("float64", file.get(key))]));
  const { logits } = await session.run({ ...feeds, images: pixels });
  await session.close();
  expect(relativeError(toNumbers(logits as Tensor), toNumbers(file.get("golden.logits")))).toBeLessThan(1e-9);
});
