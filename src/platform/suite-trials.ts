import { digestDataset } from "../data/dataset.js";
import { methodOf } from "../methods/index.js";
import type { Cell } from "../suite/cell.js";
import type { Setting } from "../suite/method-choice.js";
import { type Circumstances, nameTrial, type Trial } from "../suite/trial.js";
import { assembleStep, idleInStep } from "../train/assemble.js";
import { forMethod, parseConfig, type TrainConfig } from "../train/config.js";
import { resolveOptions } from "../train/options.js";
import type { Architecture } from "../vit/architecture.js";
import type { DataContract } from "../vit/contract.js";
import { openDataset } from "./datasets.js";
import type { SuiteOptions } from "./suite-options.js";
import type { OpenTask } from "./suite-tasks.js";

type TrialConfig = Trial["config"];

/** The trial of a cell with one of its settings. */
export type TrialNamer = (cell: Cell, setting: Setting, seed: number, final: boolean) => Promise<Trial>;

/**
 * A function that names trials.
 * @param fitted the tasks by their names, each with the network as it is there
 */
export function namingTrials(
  { config, suite }: SuiteOptions,
  fitted: ReadonlyMap<string, { readonly task: OpenTask; readonly architecture: Architecture }>,
  contract: DataContract,
  circumstances: Omit<Circumstances, "data">,
): TrialNamer {
  const digestOf = digestingTasks();
  const { valFraction, ...shared } = config;
  const idle = new Map<string, readonly string[]>();
  /** The settings without those that do nothing with their method, by itself or as it is set in this network. */
  const forNetwork = (given: TrialConfig, architecture: Architecture): TrialConfig => {
    const own = forMethod(given);
    const whole = parseConfig({ ...own, out: "-" }, suite);
    const { method: name, options, dropout, dropPath, layerDecay } = whole;
    const key = JSON.stringify([name, options, dropout, dropPath, layerDecay]);
    const isPlain = dropout === 0 && dropPath === 0 && layerDecay === 1;
    const assemble = () => assembleStep(whole, 1, architecture, contract, methodOf(name), options, 1, true);
    const without = idle.get(key) ?? (isPlain ? [] : idleInStep(whole, assemble()));
    idle.set(key, without);
    return Object.fromEntries(Object.entries(own).filter(([key]) => !without.includes(key))) as TrialConfig;
  };
  return async ({ task, method }, { options, ...rate }, seed, final) => {
    const { task: opened, architecture } = fitted.get(task.name) as { task: OpenTask; architecture: Architecture };
    const own = forNetwork(
      {
        ...shared,
        // It divides the images for a search; what is final has all of them.
        ...(valFraction !== undefined && !final && { valFraction }),
        data: task.data,
        method: method.method,
        options: resolveOptions(methodOf(method.method), architecture, options) as TrainConfig["options"],
        seed,
        final,
        ...rate,
        ...(task.shots !== undefined && { shots: task.shots }),
      },
      architecture,
    );
    const digest = await digestOf(opened, seed);
    return {
      name: await nameTrial(own, { ...circumstances, data: digest }),
      task: task.name,
      method: method.label,
      config: own,
      digest,
    };
  };
}

/** A function that gives the digest of a task's images before any are set aside for validation. */
function digestingTasks(): (task: OpenTask, seed: number) => Promise<string> {
  const known = new Map<string, Promise<string>>();
  return async ({ data, shots, digest }, seed) => {
    if (shots === undefined) return digest;
    // Which shots there are is drawn by the seed, or listed for it.
    const key = JSON.stringify([data, shots, seed]);
    const found = known.get(key) ?? openDataset(data, { shots, seed, valFraction: 0 }).then(digestDataset);
    known.set(key, found);
    return found;
  };
}
