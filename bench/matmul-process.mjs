// Bare MatMul, one node per graph, in the same ONNX Runtime: answers each request with GFLOP/s by shape.
import * as ort from "onnxruntime-node";
import { graph, input, matmul, weight } from "../dist/graph/index.js";
import { encode } from "../dist/onnx/encode.js";
import { sessionOptions } from "../dist/run/ort.js";
import { median, serve } from "./measure.mjs";

const { shapes, rows, threads, seconds } = JSON.parse(process.argv[2]);
const draw = (size) => Float32Array.from({ length: size }, (_, i) => Math.sin(i));
const products = [];
for (const [name, [inputs, outputs]] of Object.entries(shapes)) {
  // The right side is a weight, as in the network: ONNX Runtime may arrange it once, when it loads.
  const product = matmul(input("x", [rows, inputs], "float32"), weight("w", [inputs, outputs], "float32"));
  const { model, weights } = encode(graph("matmul", { y: product }));
  const data = new Uint8Array(draw(inputs * outputs).buffer);
  const externalData = [{ path: weights.get("w").location, data }];
  const session = await ort.InferenceSession.create(model, { ...sessionOptions({ threads }), externalData });
  const x = new ort.Tensor("float32", draw(rows * inputs), [rows, inputs]);
  // The result is written to a place that is there already: nothing is timed but the product.
  const y = new ort.Tensor("float32", new Float32Array(rows * outputs), [rows, outputs]);
  products.push({ name, flops: 2 * rows * inputs * outputs, run: () => session.run({ x }, { y }) });
}

await serve({}, async () => {
  const gflops = {};
  for (const { name, flops, run } of products) {
    const times = [];
    // Long enough for the processor to come up to speed: the yardstick must not be measured cold.
    for (const end = performance.now() + seconds * 1000; performance.now() < end; ) {
      const began = performance.now();
      await run();
      times.push(performance.now() - began);
    }
    gflops[name] = flops / median(times) / 1e6;
  }
  return gflops;
});
