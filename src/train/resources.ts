import { RuntimeUnavailableError } from "../errors.js";
import { type Architecture, parameterCount, tokensOf } from "../vit/architecture.js";

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
}

/** What a training may take by default. */
export const defaultMemoryBytes = 4 * 2 ** 30;

/**
 * Rows of tokens per thread and run: the activations of more do not stay in the caches, fewer make the matrices too
 * small. Where the backbone is trained, each run also adds up all of its gradients. Measured, see bench/NOTES.md.
 */
const rowsPerThread = { adapter: 200, backbone: 800 } as const;

/**
 * As many lanes as there are threads: a thread that works alone waits for nobody. Each lane holds the weights once per
 * graph, so a large network gets fewer lanes of several threads.
 * @throws RuntimeUnavailableError where not even one lane fits into the memory
 */
export function divide(demand: Demand): Resources {
  const { threads, memoryBytes } = demand;
  const divisors = Array.from({ length: threads }, (_, i) => threads - i).filter((n) => threads % n === 0);
  const choices = divisors.map((lanes) => resourcesFor(demand, lanes));
  const found = choices.find(({ bytes }) => bytes <= memoryBytes);
  if (found) return found;
  const least = choices.at(-1)?.bytes ?? 0;
  throw new RuntimeUnavailableError(
    `training this network takes about ${mebibytes(least)} MiB, ${mebibytes(memoryBytes)} MiB are allowed. Allow more (--memory-mb), or take smaller images or a smaller network.`,
  );
}

function resourcesFor({ architecture: a, batchSize, threads, trainsBackbone }: Demand, lanes: number): Resources {
  const threadsPerLane = threads / lanes;
  const rows = rowsPerThread[trainsBackbone ? "backbone" : "adapter"] * threadsPerLane;
  const most = Math.max(1, Math.round(rows / tokensOf(a)));
  // Equal parts, and as many for each lane.
  const rounds = Math.ceil(batchSize / (lanes * most));
  const microBatch = Math.ceil(batchSize / (lanes * rounds));
  const weights = 4 * parameterCount(a);
  // Frozen weights lie in the graphs of training and prediction; trained ones come with sums, states and their next values.
  const perLane = weights * (trainsBackbone ? 5 : 2) + microBatch * activationBytes(a);
  return {
    lanes,
    threadsPerLane,
    microBatch,
    bytes: processBytes + weights * (trainsBackbone ? 6 : 1) + lanes * perLane,
  };
}

const processBytes = 150 * 2 ** 20;

/** Bytes of what one image leaves for the backward pass; the factors are fitted to measured peaks. */
const activationBytes = (a: Architecture): number =>
  4 * a.blocks * (12 * tokensOf(a) * a.width + 3 * tokensOf(a) * a.hidden + 3 * a.heads * tokensOf(a) ** 2);

const mebibytes = (bytes: number): number => Math.ceil(bytes / 2 ** 20);
