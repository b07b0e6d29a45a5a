import { afterAll, describe, expect, it } from "vitest";
import { graph, input, type Tensor, toNumbers, type Value, weight } from "../../src/graph/index.js";
import { methodNames, methodOf } from "../../src/methods/index.js";
import type { Executor } from "../../src/run/executor.js";
import { ReferenceExecutor } from "../../src/run/reference.js";
import { customArchitecture } from "../../src/vit/architecture.js";
import { classify, features } from "../../src/vit/model.js";
import { readGolden } from "../golden/vit/read.js";
import { relativeError } from "../support/closeness.js";
import { as } from "../support/golden-training.js";
import { onOrt } from "./cases.js";

afterAll(() => onOrt.close());

interface Settings {
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly network: Parameters<typeof customArchitecture>[0];
  readonly cases: Readonly<Record<string, { readonly method: string; readonly options: Record<string, unknown> }>>;
}

const file = await readGolden("equations", "methods");
const { mean, std, network, cases } = file.settings as unknown as Settings;
const a = customArchitecture(network);

/** Features and logits of the network that a case's tensors adapt. */
async function answer(executor: Executor, name: string, dtype: "float32" | "float64") {
  const { method: methodName, options } = cases[name] as Settings["cases"][string];
  const method = methodOf(methodName);
  const resolved = method.resolve(a, options);
  const tensors = new Map([...file.below(`${name}/`)].filter(([key]) => !key.startsWith("golden.")));
  const names = method.parameters(a, resolved).map((parameter) => parameter.name);
  expect([...tensors.keys()].sort()).toEqual(names.toSorted());
  for (const { name: key, shape } of method.parameters(a, resolved))
    expect([key, tensors.get(key)?.shape]).toEqual([key, shape]);

  const pixels = file.get("golden.pixels");
  const values = new Map([...tensors].map(([key, { shape }]) => [key, input(key, shape, dtype)]));
  const adaptation = method.adapt(a, resolved, (key) => values.get(key) as Value);
  const images = input("images", pixels.shape, "uint8");
  const pooled = features(a, { images, normalization: { mean, std }, adaptation, dtype });
  const head = [weight("head.weight", [a.classes, a.width], dtype), weight("head.bias", [a.classes], dtype)] as const;
  const outputs = { features: pooled, logits: classify(pooled, ...head) };
  const session = await executor.load(graph("network", outputs), (key) => as(dtype, file.get(key)));
  const feeds = Object.fromEntries([...tensors].map(([key, tensor]) => [key, as(dtype, tensor)]));
  try {
    return await session.run({ ...feeds, images: pixels });
  } finally {
    await session.close();
  }
}

describe.each(Object.keys(cases))("%s is what its paper says, written in PyTorch:", (name) => {
  it.each([
    ["the reference in double precision", new ReferenceExecutor(), "float64", 1e-9],
    ["ONNX Runtime in single precision", onOrt, "float32", 2e-6],
  ] as const)("%s", async (_, executor, dtype, tolerance) => {
    const got = await answer(executor, name, dtype);
    for (const key of ["features", "logits"] as const) {
      const wanted = toNumbers(file.get(`${name}/golden.${key}`));
      expect(relativeError(toNumbers(got[key] as Tensor), wanted), key).toBeLessThan(tolerance);
    }
  });
});

it("every method is held against numbers of PyTorch somewhere", () => {
  const elsewhere = ["linear", "full", "lora", "vera"];
  const here = Object.values(cases).map(({ method }) => method);
  expect([...new Set([...here, ...elsewhere])].sort()).toEqual(methodNames.toSorted());
});
