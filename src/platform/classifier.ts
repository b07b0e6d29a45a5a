import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type Adapter, decodeAdapter } from "../adapter/file.js";
import { adaptedPredictor, plainPredictor } from "../adapter/predictor.js";
import { contractCrop, outputSize, parseTransform, type Transform } from "../data/transform.js";
import { ConfigError } from "../errors.js";
import type { Graph } from "../graph/graph.js";
import type { Tensor } from "../graph/tensor.js";
import { methodOf } from "../methods/index.js";
import type { Tensors } from "../train/checkpoint.js";
import { openSession, uploadAll } from "../train/lanes.js";
import { fitNetwork } from "../train/network.js";
import { defaultMemoryBytes, divide, type Resources } from "../train/resources.js";
import type { Team } from "../train/rows.js";
import { type Architecture, parametersOf } from "../vit/architecture.js";
import type { Backbone } from "../vit/checkpoint.js";
import { openBackbone } from "./backbone.js";
import { openBytes } from "./files.js";
import { createLaneExecutors, threadsOf } from "./ort-node.js";
import { isPeftFolder, openPeft } from "./peft-folder.js";
import { readRunRecord, runFiles } from "./run-folder.js";

/** A network that is ready to answer. */
export interface Classifier {
  /** Names of the classes; empty where none are known. */
  readonly classes: readonly string[];
  readonly classCount: number;
  readonly transform: Transform;
  /** Answers images with logits. */
  readonly team: Team;
  close(): Promise<void>;
}

/** Which network answers: a trained run, or a backbone with its own head. */
export interface ClassifierOptions {
  /** A run folder, or an adapter's file or a folder of HF PEFT beside which `backbone` is given. */
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

/** A trained adapter with the network it belongs to. */
export interface Trained {
  readonly adapter: Adapter;
  /** For the adapter's images and classes. */
  readonly architecture: Architecture;
  readonly transform: Transform;
  /** The frozen tensors; undefined where the adapter holds the whole network. */
  readonly weights: ((name: string) => Tensor) | undefined;
}

/**
 * The adapter of a run with its backbone.
 * @throws ConfigError where one is missing, or they do not belong together
 * @throws FormatError where a file is damaged
 */
export async function openTrained(
  run: string,
  { best, backbone: folder }: Pick<ClassifierOptions, "best" | "backbone">,
): Promise<Trained> {
  const peft = (await isPeftFolder(run)) ? await openPeft(run, folder) : undefined;
  const adapter = peft?.adapter ?? (await openAdapter(run, best));
  const { classes, backbone } = adapter;
  const transform = parseTransform(adapter.transform);
  const imageSize = outputSize(transform);
  if (imageSize === undefined) throw new ConfigError(`${run}: its transform ends in no fixed size.`);
  const architecture = { ...backbone.architecture, imageSize, classes: classes.length };
  // `full` holds the whole network: then there is no backbone to look for.
  const isWhole = parametersOf(architecture).every(({ name }) => Object.hasOwn(adapter.tensors, name));
  const weights = isWhole
    ? undefined
    : fitNetwork(peft?.backbone ?? (await openOwnBackbone(run, adapter, folder)), imageSize, classes.length).weights;
  return { adapter, architecture, transform, weights };
}

async function openAdapted(run: string, options: ClassifierOptions): Promise<Classifier> {
  const { adapter, architecture, transform, weights } = await openTrained(run, options);
  const { classes, contract } = adapter;
  const resources = resourcesOf(architecture, options.threads);
  const { microBatch } = resources;
  const graph = adaptedPredictor(
    { architecture, normalization: contract, microBatch },
    methodOf(adapter.method),
    adapter.options,
  );
  const network = { classes, classCount: classes.length, transform };
  return open(network, resources, graph, weights, adapter.tensors);
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
  const resources = resourcesOf(architecture, threads);
  const { microBatch } = resources;
  const filter = contract.interpolation === "bilinear" ? "bilinear" : "bicubic";
  const network = {
    classes: contract.classNames ?? [],
    classCount: architecture.classes,
    transform: contractCrop(architecture.imageSize[0], contract.cropFraction, filter),
  };
  const graph = plainPredictor({ architecture, normalization: contract, microBatch });
  return open(network, resources, graph, (name) => weights.get(name) as Tensor, {});
}

const resourcesOf = (architecture: Architecture, threads: number | undefined): Resources =>
  divide({
    architecture,
    batchSize: 32,
    threads: threadsOf(threads),
    trainsBackbone: false,
    memoryBytes: defaultMemoryBytes,
  });

async function open(
  network: Omit<Classifier, "team" | "close">,
  { lanes, threadsPerLane, microBatch }: Resources,
  graph: Graph,
  weights: ((name: string) => Tensor) | undefined,
  parameters: Tensors,
): Promise<Classifier> {
  const executors = await createLaneExecutors(lanes, threadsPerLane);
  const close = async () => {
    await Promise.all(executors.map((executor) => executor.close()));
  };
  try {
    const sessions = await Promise.all(
      executors.map(async (executor) => {
        const session = await openSession(executor, graph, weights);
        const own = await uploadAll(executor, parameters);
        return async (images: Tensor): Promise<Tensor> => (await session.run({ ...own, images })).logits as Tensor;
      }),
    );
    const answer = (lane: number, images: Tensor): Promise<Tensor> => (sessions[lane] as (typeof sessions)[0])(images);
    return { ...network, team: { lanes, microBatch, answer }, close };
  } catch (error) {
    await close();
    throw error;
  }
}
