import { createHash } from "node:crypto";
import { encodeAdapter } from "../adapter/file.js";
import { merge } from "../adapter/merge.js";
import { contractTransform } from "../adapter/network.js";
import { printTransform } from "../data/transform.js";
import { ConfigError } from "../errors.js";
import type { Description } from "../export/description.js";
import type { Network } from "../export/network.js";
import type { Tensor } from "../graph/tensor.js";
import { methodOf } from "../methods/index.js";
import { openTrained, type Trained } from "./classifier.js";
import { type LocateOptions, openLocated } from "./hub.js";
import { createOrtExecutor } from "./ort-node.js";

/** A network that is to be exported, and what is known of it. */
export interface ExportSource {
  readonly network: Network;
  readonly description: Description;
  /** The parts, where it is an adapter on a backbone. */
  readonly trained?: Trained;
}

/** Where a network to export comes from. */
export interface SourceOptions extends LocateOptions {
  /** A run folder, an adapter's file, or a folder with an adapter of HF PEFT. */
  readonly run?: string | undefined;
  /** Folder or name of the backbone; without a run, this backbone with its own head is exported. */
  readonly backbone?: string | undefined;
  readonly best?: boolean | undefined;
  readonly threads?: number | undefined;
}

/**
 * The network of a run, merged where its method folds, or a backbone with its own head.
 * @throws ConfigError where one of them is missing, or the backbone has no head
 * @throws FormatError where a file is damaged
 */
export async function openSource({ run, threads, ...options }: SourceOptions): Promise<ExportSource> {
  if (run !== undefined) {
    const trained = await openTrained(run, options);
    return { ...(await mergeTrained(trained, threads)), trained };
  }
  const { backbone, best, ...place } = options;
  if (backbone === undefined) throw new ConfigError("export: give a run with --run, or a backbone with --backbone.");
  const opened = await openLocated(backbone, place);
  const { architecture, contract, weights, name } = opened;
  if (architecture.classes === 0) {
    throw new ConfigError(
      `${backbone}: this backbone has no head of its own. Train one first and give the run with --run.`,
    );
  }
  return {
    network: { architecture, weights: (tensor) => found(weights.get(tensor), tensor) },
    description: {
      base: { name, hash: await opened.hash() },
      classes: contract.classNames ?? numbered(architecture.classes),
      contract,
      imageSize: architecture.imageSize,
      transform: printTransform(contractTransform(architecture, contract)),
    },
  };
}

async function mergeTrained({ adapter, architecture, weights }: Trained, threads: number | undefined) {
  const method = methodOf(adapter.method);
  const frozen = (name: string): Tensor => found(weights?.(name), name);
  const hash = createHash("sha256");
  for (const piece of encodeAdapter(adapter)) hash.update(piece);
  const description: Description = {
    base: adapter.backbone,
    adapter: {
      method: method.name,
      options: adapter.options,
      hash: hash.digest("hex"),
      isMerged: method.folds,
      account: adapter.account,
    },
    classes: adapter.classes,
    contract: adapter.contract,
    imageSize: architecture.imageSize,
    transform: adapter.transform,
  };
  if (!method.folds) {
    const adapt: Network["adapt"] = (value) => method.adapt(architecture, adapter.options, value);
    const tensor = (name: string): Tensor => adapter.tensors[name] ?? frozen(name);
    return { description, network: { architecture, weights: tensor, adapt } };
  }
  const executor = await createOrtExecutor(threads === undefined ? {} : { threads });
  try {
    const options = { architecture, method, methodOptions: adapter.options };
    const merged = await merge(executor, options, adapter.tensors, frozen);
    const network = {
      architecture: merged.architecture,
      weights: (name: string) => found(merged.weights.get(name), name),
    };
    return { description, network };
  } finally {
    await executor.close();
  }
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i));

function found(tensor: Tensor | undefined, name: string): Tensor {
  if (tensor === undefined) throw new Error(`there is no tensor ${name}`);
  return tensor;
}
