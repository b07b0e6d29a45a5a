import type { MethodChoice, Setting } from "./method-choice.js";
import { isFinished, type ResultLine } from "./result.js";

/** A data set with the name it has in tables. */
export interface Task {
  readonly name: string;
  /** Folder, or the name of a drawn task. */
  readonly data: string;
  /** Training images per class; all where absent. */
  readonly shots?: number;
}

/** One field of a suite's table: a method on a task, over seeds. */
export interface Cell {
  readonly task: Task;
  readonly method: MethodChoice;
  readonly seeds: readonly number[];
  /** Settings among which validation images decide, with the first seed; at least one. */
  readonly candidates: readonly Setting[];
}

/** What a suite compares. */
export interface Comparison {
  readonly tasks: readonly Task[];
  readonly methods: readonly MethodChoice[];
  readonly seeds: readonly number[];
  /** Learning rates among which validation images decide; empty for the configuration's own. */
  readonly rates: readonly number[];
}

/**
 * The cells of a comparison, task by task. Every method gets the same learning rates unless it brings its own; to one that
 * trains nothing but the head they are the head's.
 * @param isHeadAlone whether a method trains nothing but the head
 */
export function cellsOf(
  { tasks, methods, seeds, rates }: Comparison,
  isHeadAlone: (method: MethodChoice) => boolean,
): readonly Cell[] {
  return tasks.flatMap((task) =>
    methods.map((method) => {
      const key = isHeadAlone(method) ? "headLr" : "lr";
      const candidates = method.settings.flatMap(({ options, lr }): readonly Setting[] => {
        const own = lr === undefined ? rates : [lr];
        return own.length === 0 ? [{ options }] : own.map((rate) => ({ options, [key]: rate }));
      });
      return { task, method, seeds, candidates };
    }),
  );
}

/** A training of a cell, before it is known which setting is chosen. */
export interface CellStep {
  /** Undefined for the one that the search chooses. */
  readonly setting: Setting | undefined;
  readonly seed: number;
  /** Trains on training and validation images together. */
  readonly final: boolean;
  /** False where it only helps to choose. */
  readonly isResult: boolean;
  /** True where the search has trained it already. */
  readonly isRepeated: boolean;
}

/**
 * The trainings of a cell: each candidate with the first seed where there are several, then the chosen one with every
 * seed.
 * @param final whether the results are trained on the validation images too
 */
export function stepsOf({ candidates, seeds }: Cell, final: boolean): readonly CellStep[] {
  const isSearch = candidates.length > 1;
  const [firstSeed = 0] = seeds;
  const search = isSearch
    ? candidates.map((setting) => ({ setting, seed: firstSeed, final: false, isResult: false, isRepeated: false }))
    : [];
  const results = seeds.map((seed) => ({
    setting: isSearch ? undefined : candidates[0],
    seed,
    final,
    isResult: true,
    isRepeated: isSearch && !final && seed === firstSeed,
  }));
  return [...search, ...results];
}

/**
 * The place of the trial that does best on validation images after its last epoch; of equal ones that with the lower
 * loss there, then the first. Undefined where none has validation figures.
 */
export function pickBest(lines: readonly (ResultLine | undefined)[]): number | undefined {
  const vals = lines.map((line) => (isFinished(line) ? line.val : null));
  let best: number | undefined;
  vals.forEach((val, i) => {
    const before = best === undefined ? undefined : vals[best];
    if (!val) return;
    if (!before || val.top1 > before.top1 || (val.top1 === before.top1 && val.nll < before.nll)) best = i;
  });
  return best;
}
