import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as g from "../../src/graph/index.js";
import { encode } from "../../src/onnx/encode.js";
import type { OrtTarget } from "../../src/onnx/lower.js";
import { OrtExecutor, sessionOptions } from "../../src/run/ort.js";
import { expectGoldenStep } from "../support/golden-step.js";
import { checkOperators, type Exceptions } from "../support/operators-on.js";
import { launch, openPage, PageEngine, whyNoBrowser } from "./chromium.js";

let browser: Browser;
let page: Page;
const engines = {} as Record<OrtTarget, PageEngine>;
const executors = {} as Record<OrtTarget, OrtExecutor>;

beforeAll(async () => {
  if (whyNoBrowser) return;
  browser = await launch();
  page = await openPage(browser);
  for (const target of ["webgpu", "wasm"] as const) {
    engines[target] = new PageEngine(page, sessionOptions({ target }));
    executors[target] = new OrtExecutor(engines[target], target);
  }
}, 120_000);
afterAll(() => browser?.close());

const webgpu: Exceptions = {
  refused: { cast: /Cast cannot run on webgpu: WGSL has no double precision/ },
  // Its kernel takes the variance as E[x²] − mean², and these rows lie away from zero.
  inexact: { normalize: 5e-5, "layer normalization": 5e-5 },
};

const x = g.input("x", [2, 3]);
const bytes = g.input("bytes", [2, 3], "uint8");

describe.skipIf(whyNoBrowser)(`WebGPU in a browser${whyNoBrowser}`, () => {
  describe("operators", () => checkOperators(() => executors.webgpu, "float32", webgpu));

  it("moves bytes and truth values", async () => {
    const moved = (v: g.Value) =>
      g.split(g.concat([v, g.transpose(g.reshape(v, [3, 2]), [1, 0])], 1), 1, [5, 1])[0] as g.Value;
    const outputs = { y: moved(bytes), z: moved(g.lessOrEqual(x, g.scalar(3, x))) };
    const numbers = [1, 2, 3, 4, 5, 255];
    const feeds = { x: g.tensorOf("float32", [2, 3], numbers), bytes: g.tensorOf("uint8", [2, 3], numbers) };
    expect(await (await executors.webgpu.load(g.graph("move", outputs))).run(feeds)).toEqual({
      y: g.tensorOf("uint8", [2, 5], [1, 2, 3, 1, 3, 4, 5, 255, 2, 4]),
      z: g.tensorOf("bool", [2, 5], [1, 1, 1, 1, 1, 0, 0, 0, 1, 0]),
    });
  });

  it("joins and cuts more tensors than a shader has room for", async () => {
    const many = Array.from({ length: 25 }, (_, i) => g.input(`x${i}`, [2, 1]));
    const joined = g.concat(many, 1);
    const parts = g.split(joined, 1, Array(25).fill(1));
    const outputs = { joined, sum: parts.reduce((sum, part) => g.add(sum, part)) };
    const feeds = Object.fromEntries(many.map((_, i) => [`x${i}`, g.tensorOf("float32", [2, 1], [i, -i])]));
    const numbers = Array.from({ length: 25 }, (_, i) => i);
    expect(await (await executors.webgpu.load(g.graph("many", outputs))).run(feeds)).toEqual({
      joined: g.tensorOf("float32", [2, 25], [...numbers, ...numbers.map((x) => -x)]),
      sum: g.tensorOf("float32", [2, 1], [300, -300]),
    });
  });

  it("keeps tensors on the GPU", async () => {
    const session = await executors.webgpu.load(g.graph("twice", { y: g.add(x, x) }));
    let { y } = await session.run({ x: g.tensorOf("float32", [2, 3], [1, 2, 3, 4, 5, 6]) }, ["y"]);
    for (let i = 0; i < 2; i++) {
      const { y: next } = await session.run({ x: y }, ["y"]);
      await executors.webgpu.release([y]);
      y = next;
    }
    expect(await executors.webgpu.read(y)).toEqual(g.tensorOf("float32", [2, 3], [8, 16, 24, 32, 40, 48]));
    await executors.webgpu.release([y]);
  });

  // A row of the table that is not needed any more fails here.
  it.each<[string, g.Value]>([
    ["LogSoftmax", g.logSoftmax(x)],
    ["FusedMatMul", g.matmul(x, x, { transB: true })],
    ["Transpose", g.transpose(bytes, [1, 0])],
    ["Split", g.split(bytes, 1, [1, 2])[0] as g.Value],
    ["Concat", g.concat([bytes, bytes], 1)],
    ["Reshape of int64", g.reshape(g.input("x", [2, 3], "int64"), [6])],
    ["Sqrt of float64", g.sqrt(g.input("x", [2, 3], "float64"))],
  ])("%s, not lowered, is refused and not moved to the processor", async (name, y) => {
    const load = engines.webgpu.load({ name, ...encode(g.graph(name, { y })), externalData: [] });
    await expect(load).rejects.toThrow(/fallback to CPU EP has been explicitly disabled|Provider type .* is not set/);
  });

  it("the whole SaS step, from bytes to the next parameters", () => expectGoldenStep("sas-low-rank", executors.webgpu));
});

describe.skipIf(whyNoBrowser)(`WebAssembly in a browser${whyNoBrowser}`, () => {
  it("the whole SaS step, in two threads", async () => {
    expect(await page.evaluate("crossOriginIsolated && ort.env.wasm.numThreads")).toBe(2);
    await expectGoldenStep("sas-low-rank", executors.wasm);
  });
});

describe.skipIf(whyNoBrowser)(`the sources in a browser${whyNoBrowser}`, () => {
  it.each(["webgpu", "wasm"])("build, lower, encode and run a graph on %s", async (target) => {
    const found = await page.evaluate(`(async () => {
      const { input, backward, reduceSum, logSoftmax, graph: collect, tensorOf } = graph;
      const x = input("x", [1, 2]);
      const y = logSoftmax(x);
      const [dx] = backward(reduceSum(y, [0, 1]), [x]);
      const executor = OrtExecutor.over(ort, { target: "${target}" });
      const session = await executor.load(collect("gradient", { dx }));
      const result = await session.run({ x: tensorOf("float32", [1, 2], [0, Math.log(3)]) });
      await executor.close();
      return Array.from(result.dx.data);
    })()`);
    // 1 − 2 softmax(x), with softmax(x) = [1/4, 3/4]
    expect(found).toEqual([expect.closeTo(0.5, 6), expect.closeTo(-0.5, 6)]);
  });
});
