import type { Dataset, Split } from "../data/dataset.js";
import { ConfigError, RuntimeUnavailableError } from "../errors.js";
import { paceLike } from "../suite/estimate.js";
import type { TrainConfig } from "../train/config.js";
import { type Decisions, decideTraining } from "./decisions.js";
import { paceOf, secondsOf } from "./forecast.js";
import { measureLoading } from "./loading.js";
import type { StartOutline } from "./start.js";

/** A training of a suite as far as it can be decided beforehand. */
export interface Foreseen {
  readonly label: string;
  readonly config: TrainConfig;
  readonly decided: Decisions;
}

/** What every trial takes beside its arithmetic: threads, graphs, files. */
const overheadSeconds = 1;

/**
 * A function that decides on trainings of a network and a data set as they will themselves; those that differ in nothing
 * that takes time or memory are one.
 * @throws what such a training throws, with the label of its method
 */
export function foreseeing(start: StartOutline, data: Dataset): (label: string, config: TrainConfig) => Foreseen {
  const known = new Map<string, Foreseen>();
  return (label, config) => {
    const key = JSON.stringify([config.method, config.options]);
    const found = known.get(key) ?? { label, config, decided: decide(label, config, start, data) };
    known.set(key, found);
    return found;
  };
}

function decide(label: string, config: TrainConfig, start: StartOutline, data: Dataset): Decisions {
  try {
    // What it warns of, the training itself will say.
    return decideTraining(config, start, data, undefined, () => {});
  } catch (error) {
    if (error instanceof ConfigError) throw new ConfigError(`${label}: ${error.message}`);
    if (error instanceof RuntimeUnavailableError) throw new RuntimeUnavailableError(`${label}: ${error.message}`);
    throw error;
  }
}

/** Seconds of trainings, each with the images that it looks at. */
export interface Clock {
  /** Label of the method that was measured. */
  readonly measured: string;
  secondsOf(training: Foreseen, images: Readonly<Record<Split, number>>): number;
}

/**
 * The pace of one of the trainings and of its images, measured on this machine for some seconds, and by it that of all. A
 * step through the whole network tells more than one of the head.
 */
export async function measureOne(
  start: StartOutline,
  data: Dataset,
  all: readonly Foreseen[],
): Promise<Clock | undefined> {
  const one = all.find(({ decided }) => decided.step.takes === "images") ?? all[0];
  if (!one) return undefined;
  const loading = await measureLoading(data, one.decided.transforms.train, one.config);
  const pace = await paceOf(one.config, start, one.decided);
  return {
    measured: one.label,
    secondsOf: ({ config, decided }, images) =>
      overheadSeconds +
      secondsOf(paceLike(pace, one.decided.step, decided.step), loading, images, config.epochs).seconds,
  };
}
