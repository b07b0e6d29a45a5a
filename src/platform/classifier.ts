import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type Adapter, decodeAdapter } from "../adapter/file.js";
import { type AdaptedNetwork, adaptedNetwork, contractTransform } from "../adapter/network.js";
import { plainPredictor } from "../adapter/predictor.js";
import type { Transform } from "../data/transform.js";
import { ConfigError } from "../errors.js";
import type { Graph } from "../graph/graph.js";
import type { Tensor } from "../graph/tensor.js";
import type { Tensors } from "../train/checkpoint.js";
import { predictionFootprint } from "../train/footprint.js";
import { openSession, uploadAll } from "../train/lanes.js";
import { fitNetwork } from "../train/network.js";
import { defaultMemoryBytes, divide, type Resources } from "../train/resources.js";
import type { Team } from "../train/rows.js";
import { type Architecture, parameterCount, parametersOf } from "../vit/architecture.js";
import type { Backbone } from "../vit/checkpoint.js";
import { openBytes } from "./files.js";
import { type LocateOptions, openLocated } from "./hub.js";
import { createLaneExecutors, threadsOf } from "./ort-node.js";
import { isPeftFolder, openPeft } from "./peft-folder.js";
import { readResult, readRunRecord, runFiles } from "./run-folder.js";

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
export interface ClassifierOptions extends LocateOptions {
  /** A run folder, or an adapter's file or a folder of HF PEFT beside which `backbone` is given. */
  readonly run?: string | undefined;
  /** Folder or name of the backbone; for a run only where it has moved. */
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
    const [record, result] = [await readRunRecord(path), await readResult(path)];
    const why = !record
      ? "this is no run folder. Pass the folder that train --out made."
      : best && result
        ? "the run has no best epoch, since it had no validation images. Ask for the last one, without --best."
        : `the run has no ${best ? "best" : "finished"} adapter yet. Go on with it by train --resume.`;
    throw new ConfigError(`${path}: ${why}`);
  }
  const source = await openBytes(file);
  try {
    return await decodeAdapter(source);
  } finally {
    await source.close();
  }
}

/** A trained adapter with the network it belongs to. */
export interface Trained extends AdaptedNetwork {
  readonly adapter: Adapter;
  /** The frozen tensors; undefined where the adapter holds the whole network. */
  readonly weights: ((name: string) => Tensor) | undefined;
}

/**
 * The adapter of a run with its backbone.
 * @throws ConfigError where one is missing, or they do not belong together
 * @throws FormatError where a file is damaged
 */
export async function openTrained(run: string, options: ClassifierOptions): Promise<Trained> {
  const peft = (await isPeftFolder(run)) ? await openPeft(run, options) : undefined;
  const adapter = peft?.adapter ?? (await openAdapter(run, options.best));
  const network = adaptedNetwork(adapter, run);
  const { architecture } = network;
  // `full` holds the whole network: then there is no backbone to look for.
  const isWhole = parametersOf(architecture).every(({ name }) => Object.hasOwn(adapter.tensors, name));
  const backbone = isWhole ? undefined : (peft?.backbone ?? (await openOwnBackbone(run, adapter, options)));
  const weights = backbone && fitNetwork(backbone, architecture.imageSize, architecture.classes).weights;
  return { ...network, adapter, weights };
}

async function openAdapted(run: string, options: ClassifierOptions): Promise<Classifier> {
  const { adapter, architecture, transform, weights, predictor } = await openTrained(run, options);
  const { classes } = adapter;
  const resources = resourcesOf(architecture, options.threads);
  const graph = predictor(resources.microBatch);
  const network = { classes, classCount: classes.length, transform };
  return open(network, resources, graph, weights, adapter.tensors);
}

/** The backbone an adapter was trained on, wherever it lies now. */
async function openOwnBackbone(run: string, adapter: Adapter, options: ClassifierOptions): Promise<Backbone> {
  const isFolder = (await stat(run)).isDirectory();
  const { backbone: given, revision, ...rest } = options;
  const place = given ?? (isFolder ? (await readRunRecord(run))?.places.backbone : undefined);
  if (place === undefined) {
    throw new ConfigError(`${run}: an adapter needs its backbone, ${adapter.backbone.name}. Give it with --backbone.`);
  }
  // The place that the run remembers is a commit already.
  const backbone = await openLocated(place, { ...rest, revision: given === undefined ? undefined : revision });
  if ((await backbone.hash()) === adapter.backbone.hash) return backbone;
  throw new ConfigError(
    `${place}: these are not the weights the adapter in ${run} was trained on (${adapter.backbone.name}). Give the right ones with --backbone.`,
  );
}

async function openPlain({ backbone, threads, ...rest }: ClassifierOptions): Promise<Classifier> {
  if (backbone === undefined)
    throw new ConfigError("give a run with --run, or a backbone with its own head with --backbone.");
  const { architecture, contract, weights } = await openLocated(backbone, rest);
  if (architecture.classes === 0) {
    throw new ConfigError(
      `${backbone}: this backbone has no head of its own. Train one first and give the run with --run.`,
    );
  }
  const resources = resourcesOf(architecture, threads);
  const { microBatch } = resources;
  const network = {
    classes: contract.classNames ?? [],
    classCount: architecture.classes,
    transform: contractTransform(architecture, contract),
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
    footprint(microBatch) {
      const graph = plainPredictor({ architecture, normalization: { mean: [0, 0, 0], std: [1, 1, 1] }, microBatch });
      return predictionFootprint(graph, 4 * parameterCount(architecture));
    },
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
