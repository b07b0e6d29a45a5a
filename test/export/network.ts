import * as ort from "onnxruntime-node";
import { merge } from "../../src/adapter/merge.js";
import { adaptedPredictor } from "../../src/adapter/predictor.js";
import type { Description } from "../../src/export/description.js";
import type { Network } from "../../src/export/network.js";
import type { ExportDtype } from "../../src/export/onnx.js";
import { exportModel } from "../../src/export/onnx.js";
import { normalizePixels } from "../../src/export/pixels.js";
import type { Graph, Tensor } from "../../src/graph/index.js";
import type { Model } from "../../src/onnx/model.js";
import { type FilePieces, inlineModel } from "../../src/onnx/model-file.js";
import type { Resizing } from "../../src/onnx/resized-model.js";
import type { Architecture } from "../../src/vit/architecture.js";
import {
  batch,
  type Case,
  normalization,
  onOrt,
  randomAdapter,
  randomBackbone,
  randomImages,
} from "../methods/cases.js";

/** A file's bytes in one array. */
export const joined = ({ pieces }: FilePieces): Uint8Array => Buffer.concat([...pieces]);

/** What is said of the tiny network with an adapter. */
export const describe5 = (a: Architecture): Description => ({
  base: { name: "tiny", hash: "0".repeat(64) },
  classes: ["a", "b", "c", "d", "e"],
  contract: normalization,
  imageSize: a.imageSize,
  transform: `decode|resize(${a.imageSize.join("x")},bicubic)`,
});

/** A case's network as it would be exported: merged where it can be. */
export async function networkOf(a: Architecture, one: Case): Promise<Network> {
  const [trained, frozen] = [randomAdapter(a, one), randomBackbone(a)];
  if (!one.method.folds) {
    const adapt: Network["adapt"] = (value) => one.method.adapt(a, one.options, value);
    return { architecture: a, weights: (name) => trained[name] ?? frozen(name), adapt };
  }
  const options = { architecture: a, method: one.method, methodOptions: one.options };
  const merged = await merge(onOrt, options, trained, frozen);
  return { architecture: merged.architecture, weights: (name) => merged.weights.get(name) as Tensor };
}

export async function modelOf(network: Network, dtype: ExportDtype, resizing?: Resizing): Promise<Model> {
  const compute = async (graph: Graph) => {
    const session = await onOrt.load(graph, network.weights);
    return session.run({}).finally(() => session.close());
  };
  return exportModel(network, dtype, describe5(network.architecture), compute, resizing);
}

/** The logits of a model's file for pixels `[n, 3, height, width]`. */
export async function runFile(file: Uint8Array, { shape, data }: Tensor): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(file, { logSeverityLevel: 3, intraOpNumThreads: 1 });
  const { logits } = await session.run({ pixel_values: new ort.Tensor("float32", data as Float32Array, shape) });
  await session.release();
  return logits?.data as Float32Array;
}

export const runModel = (model: Model, pixels: Tensor): Promise<Float32Array> =>
  runFile(joined(inlineModel(model).model), pixels);

/** Random images as the models take them. */
export const randomPixels = (a: Architecture, count = batch): Tensor =>
  normalizePixels(randomImages(a, count), normalization);

/** The logits of the adapted network for `count` images. */
export async function adaptedLogits(a: Architecture, one: Case, count = batch): Promise<Float32Array> {
  const graph = adaptedPredictor({ architecture: a, normalization, microBatch: count }, one.method, one.options);
  const session = await onOrt.load(graph, randomBackbone(a));
  const adapter = randomAdapter(a, one);
  const needed = graph.inputs.map(({ name }) => name);
  const feeds = Object.fromEntries(Object.entries(adapter).filter(([name]) => needed.includes(name)));
  const { logits } = await session.run({ ...feeds, images: randomImages(a, count) });
  await session.close();
  return (logits as Tensor).data as Float32Array;
}

/** The largest difference beside the largest number. */
export const errorBeside = (wanted: ArrayLike<number>, got: ArrayLike<number>): number => {
  const all = Array.from(wanted);
  return Math.max(...all.map((w, i) => Math.abs(w - (got[i] as number)))) / Math.max(...all.map(Math.abs));
};
