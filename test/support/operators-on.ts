import { expect, it } from "vitest";
import { RuntimeUnavailableError } from "../../src/errors.js";
import { type Graph, graph, type Tensor, tensorOf, toNumbers } from "../../src/graph/index.js";
import type { Executor } from "../../src/run/executor.js";
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

/**
 * The largest differences, relative to the norm of an output. Gradients in float32 get more room: that
 * of a sharp softmax is the small difference of large numbers.
 */
const tolerances = {
  float32: { y: 2e-6, dx: 1e-4 },
  float64: { y: 1e-12, dx: 1e-12 },
} as const;

/** Where a target differs, by the name of a case; every line has a reason. */
export interface Exceptions {
  /** Cases that the target refuses, and what it says. */
  readonly refused?: Readonly<Record<string, RegExp>>;
  /** Cases whose values are less exact, and how much. */
  readonly inexact?: Readonly<Record<string, number>>;
}

/** Tests of every operator of the registry and of its gradient on an executor: equal to the reference. */
export function checkOperators(executor: () => Executor, dtype: Float, exceptions: Exceptions = {}): void {
  const { refused = {}, inexact = {} } = exceptions;
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
      const { y, dx } = tolerances[dtype];
      const most = key.startsWith("dx") ? dx : (inexact[name] ?? y);
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
