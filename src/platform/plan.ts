import type { Adapter } from "../adapter/file.js";
import { printTransform } from "../data/transform.js";
import { ConfigError } from "../errors.js";
import type { TrainConfig } from "../train/config.js";
import type { RunFacts } from "../train/events.js";
import { fitNetwork, type Network } from "../train/network.js";
import { type Decisions, decideTraining } from "./decisions.js";
import { emptyShelf } from "./shelf.js";
import type { CheckedData } from "./splits.js";
import { engineVersion, packageVersion } from "./versions.js";

/** A training with nothing left to be decided, checked, and nothing written yet. */
export interface Plan extends Omit<Decisions, "division"> {
  readonly facts: RunFacts;
  readonly data: CheckedData;
  readonly network: Network;
  /** The adapter to be, but for its tensors. */
  readonly adapter: Omit<Adapter, "tensors">;
}

/**
 * The plan of a training.
 * @param earlier what the run was started with, where it goes on
 * @param shelf where network and data come from
 * @throws ConfigError where the configuration does not fit data or backbone, or they are not the run's any more
 * @throws FormatError where a checkpoint, a list or an image is damaged
 */
export async function planTraining(
  config: TrainConfig,
  earlier: RunFacts | undefined,
  onWarning: (text: string) => void,
  shelf = emptyShelf,
): Promise<Plan> {
  const [start, data] = await Promise.all([shelf.openStart(config), shelf.openData({ ...config, onWarning })]);
  const { contract, architecture: pretrained } = start;
  const { division, ...decided } = decideTraining(config, start, data, earlier, onWarning);
  const { transforms, method, options, account } = decided;
  const present = {
    version: packageVersion(),
    engine: engineVersion(),
    backbone: await start.hash(),
    data: data.digest,
  };
  if (earlier) refuseChanges(config.out, earlier, present);
  const facts: RunFacts = { ...division, ...present };
  return {
    ...decided,
    facts,
    data,
    network: fitNetwork(start, transforms.imageSize, data.classes.length),
    adapter: {
      method: method.name,
      options,
      backbone: {
        name: pretrained.name ?? "vit",
        hash: facts.backbone,
        architecture: { ...pretrained, classes: 0 },
      },
      contract: { mean: contract.mean, std: contract.std },
      transform: printTransform(transforms.evaluation),
      classes: data.classes,
      account,
    },
  };
}

/** Stops a run that would go on with something else than it began with. @throws ConfigError */
export function refuseChanges(out: string, earlier: RunFacts, present: Partial<RunFacts>): void {
  const changed = (Object.keys(present) as (keyof RunFacts)[]).filter((key) => earlier[key] !== present[key]);
  if (changed.length === 0) return;
  const list = changed.map((key) => `${key} (was ${earlier[key]}, is ${present[key]})`).join(", ");
  throw new ConfigError(
    `${out}: the run began with other circumstances: ${list}. Restore them, or take another --out.`,
  );
}
