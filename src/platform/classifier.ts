import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type Adapter, decodeAdapter } from "../adapter/file.js";
import { adaptedPredictor, plainPredictor } from "../adapter/predictor.js";
import { contractCrop, outputSize, parseTransform, type Transform } from "../data/transform.js";
import { ConfigError } from "../errors.js";
import type { Graph } from "../graph/graph.js";
import { type Tensor, tensor } from "../graph/tensor.js";
import { methodOf } from "../methods/index.js";
import type { Session } from "../run/executor.js";
import { microBatchOf } from "../train/micro-batch.js";
import { fitNetwork } from "../train/network.js";
import { openSession } from "../train/session.js";
import type { Backbone } from "../vit/checkpoint.js";
import { openBackbone } from "./backbone.js";
import { openBytes } from "./files.js";
import { createOrtExecutor } from "./ort-node.js";
import { readRunRecord, runFiles } from "./run-folder.js";

/** A network that is ready to answer. */
export interface Classifier {
  /** Names of the classes; empty where none are known. */
  readonly classes: readonly string[];
  readonly classCount: number;
  readonly transform: Transform;
  /** Feeds: `images` and `parameters`; the output is `logits`. */
  readonly session: Session;
  readonly parameters: Readonly<Record<string, Tensor>>;
  /** Images per run. */
  readonly microBatch: number;
  close(): Promise<void>;
}

/** Which network answers: a trained run, or a backbone with its own head. */
export interface ClassifierOptions {
  /** A run folder, or an adapter's file beside which `backbone` is given. */
  readonly run?: string | undefined;
  /** Folder of the backbone; for a run only where it has moved. */
  readonly backbone?: string | undefined;
  /** The run's adapter after its best epoch instead of the last. */
  readonly best?: boolean | undefined;
  readonly threads?: number | undefined;
}

/**
 * The classifier of a run, or of a backbone alone.
 * @throws ConfigError where run or backbone are missing, or do not belong together
 * @throws FormatError where a file is damaged
 */
export const openClassifier = (options: ClassifierOptions): Promise<Classifier> =>
  options.run === undefined ? openPlain(options) : openAdapted(options.run, options);

/** The adapter in a run folder or a file. */
export async function openAdapter(path: string, best = false): Promise<Adapter> {
  const facts = await stat(path).catch(() => undefined);
  if (facts === undefined) throw new ConfigError(`${path}: there is no such run or adapter. Check the path.`);
  const file = facts.isDirectory() ? join(path, best ? runFiles.best : runFiles.adapter) : path;
  if (facts.isDirectory() && (await stat(file).catch(() => undefined)) === undefined) {
    const record = await readRunRecord(path);
    throw new ConfigError(
      record
        ? `${path}: the run has no ${best ? "best" : "finished"} adapter yet. Go on with it by train --resume.`
        : `${path}: this is no run folder. Pass the folder that train --out made.`,
    );
  }
  const source = await openBytes(file);
  try {
    return await decodeAdapter(source);
  } finally {
    await source.close();
  }
}

async function openAdapted(run: string, options: ClassifierOptions): Promise<Classifier> {
  const adapter = await openAdapter(run, options.best);
  const { classes, contract, backbone } = adapter;
  const transform = parseTransform(adapter.transform);
  const imageSize = outputSize(transform);
  if (imageSize === undefined) throw new ConfigError(`${run}: its transform ends in no fixed size.`);
  const architecture = { ...backbone.architecture, imageSize, classes: classes.length };
  const microBatch = microBatchOf(architecture, largestBatch);
  const graph = adaptedPredictor(
    { architecture, normalization: contract, microBatch },
    methodOf(adapter.method),
    adapter.options,
  );
  // `full` holds the whole network: then there is no backbone to look for.
  const weights =
    graph.weights.length === 0
      ? undefined
      : fitNetwork(await openOwnBackbone(run, adapter, options.backbone), imageSize, classes.length).weights;
  const network = { classes, classCount: classes.length, transform, parameters: adapter.tensors, microBatch };
  return open(network, graph, weights ?? (() => tensor("float32", [0], new Float32Array(0))), options.threads);
}

/** The backbone an adapter was trained on, wherever it lies now. */
async function openOwnBackbone(run: string, adapter: Adapter, given: string | undefined): Promise<Backbone> {
  const isFolder = (await stat(run)).isDirectory();
  const folder = given ?? (isFolder ? (await readRunRecord(run))?.places.backbone : undefined);
  if (folder === undefined) {
    throw new ConfigError(`${run}: an adapter needs its backbone, ${adapter.backbone.name}. Give it with --backbone.`);
  }
  const backbone = await openBackbone(folder);
  if ((await backbone.hash()) === adapter.backbone.hash) return backbone;
  throw new ConfigError(
    `${folder}: these are not the weights the adapter in ${run} was trained on (${adapter.backbone.name}). Give the right ones with --backbone.`,
  );
}

async function openPlain({ backbone, threads }: ClassifierOptions): Promise<Classifier> {
  if (backbone === undefined) throw new ConfigError("predict: give a run with --run, or a backbone with --backbone.");
  const { architecture, contract, weights } = await openBackbone(backbone);
  if (architecture.classes === 0) {
    throw new ConfigError(
      `${backbone}: this backbone has no head of its own. Train one first and give the run with --run.`,
    );
  }
  const microBatch = microBatchOf(architecture, largestBatch);
  const filter = contract.interpolation === "bilinear" ? "bilinear" : "bicubic";
  const network = {
    classes: contract.classNames ?? [],
    classCount: architecture.classes,
    transform: contractCrop(architecture.imageSize[0], contract.cropFraction, filter),
    parameters: {},
    microBatch,
  };
  const graph = plainPredictor({ architecture, normalization: contract, microBatch });
  return open(network, graph, (name) => weights.get(name) as Tensor, threads);
}

const largestBatch = 32;

async function open(
  network: Omit<Classifier, "session" | "close">,
  graph: Graph,
  weights: (name: string) => Tensor,
  threads: number | undefined,
): Promise<Classifier> {
  const executor = await createOrtExecutor(threads === undefined ? {} : { threads });
  try {
    const session = await openSession(executor, graph, weights);
    return { ...network, session, close: () => executor.close() };
  } catch (error) {
    await executor.close();
    throw error;
  }
}
