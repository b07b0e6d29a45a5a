import { ConfigError } from "../errors.js";
import { differingKeys, type TrainConfig } from "../train/config.js";
import { isHubPlace } from "./hub/name.js";
import type { LocateOptions } from "./hub.js";
import { type RunRecord, readRunRecord } from "./run-folder.js";

/**
 * What the run in a configuration's folder was started with, or undefined where there is none.
 * @throws ConfigError where it has another configuration
 */
export async function earlierRun(config: TrainConfig): Promise<RunRecord | undefined> {
  const { out } = config;
  const earlier = await readRunRecord(out);
  const keys = earlier ? differingKeys(earlier.config, config) : [];
  if (keys.length === 0) return earlier;
  throw new ConfigError(
    `${out}: the run has another configuration: ${keys.join(", ")}. Restore it, take another --out, or delete this folder if the run is of no use.`,
  );
}

/** What to ask for the backbone: where a run goes on, the commit it began with, whatever its branch means today. */
export function startingPlace(
  { backbone, revision }: TrainConfig,
  earlier: RunRecord | undefined,
  options: LocateOptions,
): [string, LocateOptions] {
  const isSame = earlier?.config.backbone === backbone && earlier.config.revision === revision;
  return earlier && isSame && isHubPlace(earlier.places.backbone)
    ? [earlier.places.backbone, options]
    : [backbone, { ...options, revision }];
}
