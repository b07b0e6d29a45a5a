import { afterAll, describe, it } from "vitest";
import * as g from "../../src/graph/index.js";
import { applyAll, registry } from "../../src/graph/op.js";
import { lower } from "../../src/onnx/lower.js";
import { encode } from "../../src/onnx/encode.js";
import { sessionOptions } from "../../src/run/ort.js";
import { launch, openPage, PageEngine } from "./chromium.js";

describe("exp", async () => {
  const browser = await launch();
  afterAll(() => browser?.close());
  const page = await openPage(browser, process.env.ENTRY ?? "ort.webgpu.min.mjs");
  const engine = new PageEngine(page, sessionOptions({ target: "webgpu" }));
  const run = async (name: string, raw: Record<string, g.Value>, feeds0: Record<string, g.Tensor>) => run2(name, lower(g.graph(name, raw), "webgpu").outputs, feeds0);
  const run2 = async (name: string, outputs: Record<string, g.Value>, feeds: Record<string, g.Tensor>) => {
    try {
      const { model } = encode(g.graph(name, outputs));
      const id = await engine.load({ name, model, externalData: [] });
      const r = await engine.run(id, feeds, []);
      console.log(name, "OK", Object.values(r).map((t) => `${t.dtype}[${t.shape}] ${Array.from(g.toNumbers(t as g.Tensor)).slice(0, 12)}`).join(" | "));
    } catch (e) { console.log(name, "FAIL", (e as Error).message.slice(0, 420)); }
  };
  it("x", async () => {
    for (const d of ["uint8", "int32", "bool", "int64"] as const) {
      const n = d === "bool" ? [0, 1, 1, 0, 1, 0] : [1, 2, 255, 4, 5, 200];
      const x = g.input("x", [2, 3], d); const f = { x: g.tensorOf(d, [2, 3], n) };
      await run(`${d} reshape`, { y: g.reshape(x, [3, 2]) }, f);
      await run(`${d} transpose`, { y: g.transpose(x, [1, 0]) }, f);
      await run(`${d} cast`, { y: g.cast(x, "float32") }, f);
      await run(`${d} cast int32`, { y: g.cast(x, "int32") }, f);
      await run(`${d} through`, { y: x, z: x }, f);
      await run(`${d} expand`, { y: g.expand(x, [2, 2, 3]) }, f);
      await run(`${d} split`, { y: g.split(x, 1, [1, 2])[1] as never }, f);
      await run(`${d} concat`, { y: g.concat([x, x], 1) }, f);
    }
    const x = g.input("x", [1, 4]); 
    await run("f32 → u8", { y: g.cast(x, "uint8") }, { x: g.tensorOf("float32", [1, 4], [1, 2, 3, 200]) });
    await run("f32 → i32", { y: g.cast(x, "int32") }, { x: g.tensorOf("float32", [1, 4], [1, 2, -3.7, 200]) });
    await run("f32 → i64", { y: g.cast(x, "int64") }, { x: g.tensorOf("float32", [1, 4], [1, 2, -3.7, 200]) });
    const five = g.input("x", [2, 2, 2, 2, 2, 3]);
    await run("transpose6", { y: g.transpose(five, [0, 1, 3, 2, 4, 5]) }, { x: g.zeros("float32", [2, 2, 2, 2, 2, 3]) });
    await run("logSoftmax", { y: g.logSoftmax(x) }, { x: g.tensorOf("float32", [1, 4], [1, 2, 3, 4]) });
    const m = g.input("x", [2, 2]);
    await run("fused", { y: g.matmul(m, m, { transB: true }) }, { x: g.tensorOf("float32", [2, 2], [1, 2, 3, 4]) });
    const i = g.input("x", [2, 2], "int32");
    await run("int add", { y: g.add(i, i) }, { x: g.tensorOf("int32", [2, 2], [1, 2, 3, 4]) });
    for (const mean of [0, 1, 10, 100, 1000]) {
      const v = g.input("x", [1, 64]);
      const data = Array.from({ length: 64 }, (_, k) => mean + Math.sin(k * 7.1));
      const ft = { x: g.tensorOf("float32", [1, 64], data) };
      const ln = registry.get("LayerNormalization"); const one = g.constant(g.tensorOf("float32", [64], Array(64).fill(1)));
      await run(`ln ${mean}`, { y: applyAll(ln as never, [v, one], { axis: -1, epsilon: 1e-6 } as never)[0] as never }, ft);
    }
    const big = (d: g.DType) => g.graph("b", { y: g.input("x", [1], d) });
    void big;
  }, 100000);
});
