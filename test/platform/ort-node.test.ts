import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { RuntimeUnavailableError, ShapeError } from "../../src/errors.js";
import { add, graph, input, matmul, type Tensor, tensor, tensorOf, weight, zeros } from "../../src/graph/index.js";
import { createOrtExecutor } from "../../src/platform/ort-node.js";
import { WorkerEngine } from "../../src/platform/ort-port.js";

const entry = new URL("../../dist/platform/ort-worker.js", import.meta.url);
// A worker cannot load TypeScript in Node 20: these tests need the build, which the test command makes first.
const reason = existsSync(entry) ? "" : " (skipped: run `npm run build` first)";

describe.skipIf(reason)(`createOrtExecutor${reason}`, async () => {
  const executor = reason ? undefined : await createOrtExecutor({ threads: 1 });
  const load: NonNullable<typeof executor>["load"] = (...args) => {
    if (!executor) throw new Error(reason);
    return executor.load(...args);
  };
  afterAll(() => executor?.close());

  it("runs graphs with weights in plain and in shared memory, and leaves the caller's intact", async () => {
    const shared = new Float32Array(new SharedArrayBuffer(8));
    shared.set([10, 20]);
    const weights: Record<string, Tensor> = {
      a: tensorOf("float32", [2], [1, 2]),
      b: tensor("float32", [2], shared),
    };
    const y = add(add(input("x", [2]), weight("a", [2])), weight("b", [2]));
    const session = await load(graph("sum", { y }), (name) => weights[name] as Tensor);
    const x = tensorOf("float32", [2], [100, 200]);
    for (let i = 0; i < 2; i++) expect((await session.run({ x })).y).toEqual(tensorOf("float32", [2], [111, 222]));
    expect([...(weights.a as Tensor).data]).toEqual([1, 2]);
    await session.close();
    await expect(session.run({ x })).rejects.toThrow("is closed");
  });

  it("keeps tensors in the thread, readable more than once", async () => {
    const session = await load(graph("twice", { y: add(input("x", [2]), input("x2", [2])) }));
    const x = tensorOf("float32", [2], [1, 2]);
    const { y } = await session.run({ x, x2: x }, ["y"]);
    expect((await session.run({ x: y, x2: x })).y).toEqual(tensorOf("float32", [2], [3, 6]));
    for (let i = 0; i < 2; i++) expect(await executor?.read(y)).toEqual(tensorOf("float32", [2], [2, 4]));
    await executor?.release([y]);
    await expect(executor?.read(y)).rejects.toThrow("was released");
  });

  it("takes a view of a larger buffer", async () => {
    const session = await load(graph("view", { y: add(input("x", [2]), input("x2", [2])) }));
    const x = tensor("float32", [2], Float32Array.of(1, 2, 3, 4).subarray(1, 3));
    expect((await session.run({ x, x2: x })).y).toEqual(tensorOf("float32", [2], [4, 6]));
    expect([...x.data]).toEqual([2, 3]);
  });

  it("lets timers tick while it computes", async () => {
    const n = 512;
    const x = input("x", [n, n]);
    let y = matmul(x, x);
    for (let i = 0; i < 8; i++) y = matmul(y, x);
    const session = await load(graph("heavy", { y }));
    const feeds = { x: zeros("float32", [n, n]) };
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const start = performance.now();
    for (let i = 0; i < 3; i++) await session.run(feeds);
    clearInterval(timer);
    // A blocked loop would have ticked between the runs at most.
    expect(ticks).toBeGreaterThan(Math.min((performance.now() - start) / 20, 12));
  });

  it("brings errors across with their class and the graph's name", async () => {
    const engine = new WorkerEngine(entry, {});
    const broken = engine.load({ name: "broken", model: new Uint8Array(3), externalData: [] });
    await expect(broken).rejects.toThrow(RuntimeUnavailableError);
    await expect(broken).rejects.toThrow(/^broken: ONNX Runtime cannot load/);
    await engine.close();
    await expect(engine.read(1)).rejects.toThrow(RuntimeUnavailableError);
    await engine.close();
    const session = await load(graph("strict", { y: add(input("x", [2]), input("b", [2])) }));
    await expect(session.run({})).rejects.toThrow(ShapeError);
  });

  it("tells every waiting call when the thread ends", async () => {
    const entryThatEnds = new URL(
      `data:text/javascript,${encodeURIComponent("setTimeout(() => process.exit(3), 50)")}`,
    );
    const ended = new WorkerEngine(entryThatEnds, {});
    const calls = await Promise.allSettled([ended.read(1), ended.release([1])]);
    for (const call of calls) {
      expect(call.status).toBe("rejected");
      expect((call as PromiseRejectedResult).reason).toBeInstanceOf(RuntimeUnavailableError);
      expect((call as PromiseRejectedResult).reason.message).toContain("ended with code 3");
    }
    await expect(ended.run(1, {}, [])).rejects.toThrow("ended with code 3");

    const crash = `import "node:worker_threads"; throw new Error("no binding for this machine")`;
    const crashed = new WorkerEngine(new URL(`data:text/javascript,${encodeURIComponent(crash)}`), {});
    await expect(crashed.read(1)).rejects.toThrow("no binding for this machine");
    await crashed.close();
  });

  it.each(["await executor.close()", ""])("lets the process end by itself: %s", async (end) => {
    const [node, index] = ["platform/ort-node.js", "graph/index.js"].map(
      (file) => new URL(`../../dist/${file}`, import.meta.url),
    );
    const script = `
      const { createOrtExecutor } = await import(${JSON.stringify(node)});
      const { add, graph, input, tensorOf } = await import(${JSON.stringify(index)});
      const executor = await createOrtExecutor({ threads: 2 });
      const x = input("x", [1]);
      const session = await executor.load(graph("g", { y: add(x, x) }));
      const { y } = await session.run({ x: tensorOf("float32", [1], [21]) });
      console.log(y.data[0]);
      ${end}`;
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], {
      timeout: 30_000,
    });
    expect([stdout, stderr]).toEqual(["42\n", ""]);
  });
});
