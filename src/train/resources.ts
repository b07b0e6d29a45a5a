import { RuntimeUnavailableError } from "../errors.js";
import { type Architecture, tokensOf } from "../vit/architecture.js";
import { bytesOf, type Footprint } from "./footprint.js";

/** How a machine is divided among the micro-batches of a batch. */
export interface Resources {
  /** Sessions that run at the same time. */
  readonly lanes: number;
  /** Threads of each of them. */
  readonly threadsPerLane: number;
  /** Images per run. */
  readonly microBatch: number;
  /** Estimate of the memory all of it takes. */
  readonly bytes: number;
}

/** What the division depends on: shapes, threads and a limit, never a timing, or a resumed run would differ in bits. */
export interface Demand {
  readonly architecture: Architecture;
  readonly batchSize: number;
  readonly threads: number;
  /** True where the backbone itself is trained. */
  readonly trainsBackbone: boolean;
  readonly memoryBytes: number;
  /** The memory at so many images per run. */
  readonly footprint: (microBatch: number) => Footprint;
}

/** What a training may take by default: a machine of 8 GiB has it left. */
export const defaultMemoryBytes = 5.5 * 2 ** 30;

/**
 * Rows of tokens per thread and run: the activations of more do not stay in the caches, fewer make the matrices too
 * small. Where the backbone is trained, each run also adds up all of its gradients. Measured, see bench/NOTES.md.
 */
const rowsPerThread = { adapter: 200, backbone: 800 } as const;

/**
 * As many lanes as there are threads: a thread that works alone waits for nobody. Each lane holds the weights once per
 * graph, so a large network gets fewer lanes of several threads, and where memory is short smaller micro-batches.
 * @throws RuntimeUnavailableError where not even one image on one lane fits into the memory
 */
export function divide(demand: Demand): Resources {
  const { threads, memoryBytes } = demand;
  let least = Number.POSITIVE_INFINITY;
  for (let lanes = Math.min(threads, demand.batchSize); lanes >= 1; lanes--) {
    if (threads % lanes !== 0) continue;
    for (let most = mostImages(demand, threads / lanes); most >= 1; most = Math.floor(most / 2)) {
      const found = resourcesFor(demand, lanes, most);
      if (found.bytes <= memoryBytes) return found;
      least = Math.min(least, found.bytes);
    }
  }
  throw new RuntimeUnavailableError(
    `training this network takes about ${mebibytes(least)} MiB, ${mebibytes(memoryBytes)} MiB are allowed. Allow more (--memory-mb), or take smaller images or a smaller network.`,
  );
}

/** Images per run for which the caches are made. */
const mostImages = ({ architecture, trainsBackbone }: Demand, threadsPerLane: number): number =>
  Math.max(
    1,
    Math.round((rowsPerThread[trainsBackbone ? "backbone" : "adapter"] * threadsPerLane) / tokensOf(architecture)),
  );

function resourcesFor(demand: Demand, lanes: number, most: number): Resources {
  // Equal parts, and as many for each lane.
  const rounds = Math.ceil(demand.batchSize / (lanes * most));
  const microBatch = Math.ceil(demand.batchSize / (lanes * rounds));
  const threadsPerLane = demand.threads / lanes;
  return { lanes, threadsPerLane, microBatch, bytes: bytesOf(demand.footprint(microBatch), lanes, threadsPerLane) };
}

const mebibytes = (bytes: number): number => Math.ceil(bytes / 2 ** 20);
