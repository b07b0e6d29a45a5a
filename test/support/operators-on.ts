import { expect, it } from "vitest";
import { RuntimeUnavailableError } from "../../src/errors.js";
import { erf, type Graph, gelu, graph, input, type Tensor, tensorOf, toNumbers } from "../../src/graph/index.js";
import { encode } from "../../src/onnx/encode.js";
import type { Executor } from "../../src/run/executor.js";
import type { Engine } from "../../src/run/ort-engine.js";
import { ReferenceExecutor } from "../../src/run/reference.js";
import { relativeError } from "./closeness.js";
import { compositions, goldenOf, gradientsOf, leavesOf, siblings, table, wrtOf } from "./operator-cases.js";

type Float = "float32" | "float64";

/** A case as a graph of its outputs `y0`, … and gradients `dx0`, …, and what it is fed with. */
function graphOf(name: string, dtype: Float, type?: string) {
  const values = goldenOf(name);
  const leaves = leavesOf(values, dtype);
  const build = (type === undefined ? compositions : table[type])?.[name];
  const made = siblings(build?.(...leaves), type);
  const wrt = wrtOf(values);
  const gradients = wrt.length > 0 ? gradientsOf(values, leaves, made) : [];
  const outputs = {
    ...Object.fromEntries(made.map((y, i) => [`y${i}`, y])),
    ...Object.fromEntries(gradients.map((dx, i) => [`dx${wrt[i]}`, dx])),
  };
  const feeds = Object.fromEntries(values.inputs.map((x, i) => [`x${i}`, tensorOf(dtype, x.shape, x.data)]));
  return { graph: graph(name, outputs), feeds };
}

/** What an executor makes of a graph. */
async function resultsOf(executor: Executor, source: Graph, feeds: Readonly<Record<string, Tensor>>) {
  const session = await executor.load(source);
  const needed = source.inputs.map(({ name }) => [name, feeds[name] as Tensor]);
  const results = await session.run(Object.fromEntries(needed));
  await session.close();
  return results;
}

/** The largest differences of values and gradients, relative to the norm of each. */
const tolerances = { float32: 2e-6, float64: 1e-12 };

/** In float32 the gradient of a softmax as sharp as this one is the small difference of large numbers, everywhere. */
const cancelling: Readonly<Record<string, number>> = { "attention sharp": 1e-4 };

/** Where a target differs, by the name of a case; every line has a reason. */
export interface Exceptions {
  /** Cases that the target refuses, and what it says. */
  readonly refused?: Readonly<Record<string, RegExp>>;
  /** Cases that are less exact, and how much. */
  readonly inexact?: Readonly<Record<string, number>>;
}

/** Tests of every operator of the registry and of its gradient on an executor: equal to the reference. */
export function checkOperators(executor: () => Executor, dtype: Float, exceptions: Exceptions = {}): void {
  const { refused = {} } = exceptions;
  const inexact = { ...(dtype === "float32" && cancelling), ...exceptions.inexact };
  const reference = new ReferenceExecutor();
  const cases = Object.entries(table).flatMap(([type, each]) => Object.keys(each).map((name) => [name, type] as const));
  const all = [...cases, ...Object.keys(compositions).map((name) => [name, undefined] as const)];
  it("has cases for all exceptions", () => {
    const names = new Set<string>(all.map(([name]) => name));
    expect(Object.keys({ ...refused, ...inexact }).filter((name) => !names.has(name))).toEqual([]);
  });
  it.each(all)("%s", async (name, type) => {
    const { graph: source, feeds } = graphOf(name, dtype, type);
    const reason = refused[name];
    if (reason) {
      const refusal = await resultsOf(executor(), source, feeds).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(RuntimeUnavailableError);
      expect((refusal as Error).message).toMatch(reason);
      return;
    }
    const [got, wanted] = [await resultsOf(executor(), source, feeds), await resultsOf(reference, source, feeds)];
    for (const [key, want] of Object.entries(wanted)) {
      expect(got[key]?.shape, key).toEqual(want.shape);
      const most = inexact[name] ?? tolerances[dtype];
      expect(relativeError(toNumbers(got[key] as Tensor), toNumbers(want)), key).toBeLessThanOrEqual(most);
    }
  });
}

/** Double precision on the CPU and in WebAssembly. */
export const noDoubleKernels: Exceptions = {
  refused: {
    erf: /Erf cannot run on .*: there is no kernel in double precision/,
    // Its expansion is made of Erf.
    gelu: /Erf cannot run on .*: there is no kernel in double precision/,
    "layer normalization": /mean and deviation come in float32 even for doubles/,
  },
};

/** Tests that what is refused in double precision for want of a kernel indeed has none, on an engine given it as it is. */
export function checkNoDoubleKernels(engine: Engine): void {
  const x = input("x", [2], "float64");
  it.each([
    ["Erf", erf(x)],
    ["Gelu", gelu(x)],
  ] as const)("%s, not lowered, has no kernel", async (name, y) => {
    const load = engine.load({ name, ...encode(graph(name, { y })), externalData: [] });
    await expect(load).rejects.toThrow(/Could not find an implementation/);
  });
}
