import { resolve } from "node:path";
import { requireSplit, type Split } from "../data/dataset.js";
import { ConfigError } from "../errors.js";
import { evaluateLogits, type Metrics } from "../evaluate/metrics.js";
import { imageExamples } from "../train/examples.js";
import { predictLogits, type Scored } from "../train/score.js";
import { type Classifier, type ClassifierOptions, openClassifier } from "./classifier.js";
import { type RunRecord, readRunRecord } from "./run-folder.js";
import { openCheckedData, openLoaders } from "./splits.js";

/** What is evaluated on what: a run, or a backbone with its own head. */
export interface EvaluateOptions extends ClassifierOptions {
  /** Folder of the data set; the run's own where absent. */
  readonly data?: string | undefined;
  /** Default `test`. */
  readonly split?: Split | undefined;
  readonly skipUnreadable?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Is told of what goes on in spite of it. */
  readonly onWarning?: ((text: string) => void) | undefined;
}

/** How good a run, or a backbone with its own head, is on one split. */
export interface Evaluation extends Metrics {
  readonly run?: string;
  readonly backbone?: string;
  readonly split: Split;
  readonly images: number;
}

/**
 * The metrics of a run, or of a backbone with its own head, on a split of a data set.
 * @throws ConfigError where the split is missing, or its classes are not the run's
 * @throws FormatError where files are damaged
 */
export async function evaluate(options: EvaluateOptions): Promise<Evaluation> {
  const { run, backbone, split = "test" } = options;
  const record = run === undefined ? undefined : await readRunRecord(run).catch(() => undefined);
  const classifier = await openClassifier(options);
  try {
    const { labels, metrics } = await scoreSplit(classifier, { ...options, split }, record);
    const what = run === undefined ? { ...(backbone !== undefined && { backbone }) } : { run };
    return { ...what, split, images: labels.length, ...metrics };
  } finally {
    await classifier.close();
  }
}

/** What a network says of a split, and how good that is. */
export interface ScoredSplit extends Scored {
  readonly metrics: Metrics;
}

/** The logits of a classifier on a split of a data set, with their metrics. @throws as `evaluate` */
export async function scoreSplit(
  { team, classes, classCount, transform }: Omit<Classifier, "close">,
  options: EvaluateOptions & { readonly split: Split },
  record: RunRecord | undefined,
): Promise<ScoredSplit> {
  const { run, backbone, split, skipUnreadable = false, onWarning = () => {} } = options;
  const folder = options.data ?? record?.places.data;
  if (folder === undefined) throw new ConfigError(`${run ?? backbone}: say with --data what to evaluate it on.`);
  const { seed = 0, valFraction, shots, final = false } = record?.config ?? {};
  // Which images the run has not learned from is a matter of its own data alone.
  const isOwn = [folder, resolve(folder)].includes(record?.places.data ?? "");
  const own = isOwn ? { shots, final } : {};
  const division = { seed, valFraction, ...own };
  const data = await openCheckedData({ data: folder, ...division, skipUnreadable, only: [split], onWarning });
  const { count } = requireSplit(data, split);
  refuseOtherClasses(folder, data.classes, classes);
  const batchSize = Math.min(32, count);
  const onUnreadable = skipUnreadable ? { onUnreadable: onWarning } : {};
  const loader = openLoaders(data, { [split]: transform }, { seed, batchSize, ...onUnreadable })[split];
  if (!loader) throw new ConfigError(`${folder}: there is no ${split} split.`);
  const scored = await predictLogits(team, imageExamples(loader), options.signal);
  return { ...scored, metrics: evaluateLogits(scored.logits, scored.labels, classCount) };
}

function refuseOtherClasses(folder: string, found: readonly string[], known: readonly string[]): void {
  // A network whose classes have numbers alone can be scored on any data of as many.
  const isUnnamed = known.every((name, i) => name === String(i));
  if (found.length === known.length && (isUnnamed || found.every((name, i) => name === known[i]))) return;
  const strange = found.find((name) => !known.includes(name)) ?? known.find((name) => !found.includes(name));
  throw new ConfigError(
    `${folder}: expected the ${known.length} classes of the network in their order, got ${found.length}${strange === undefined ? "" : `; only one of the two has ${JSON.stringify(strange)}`}. Give the data it was trained for.`,
  );
}
