import type { Examples } from "../data/dataset.js";
import { createLoader, type Decode } from "../data/loader.js";
import { FormatError } from "../errors.js";
import { evaluateLogits, type Metrics } from "../evaluate/metrics.js";
import type { Scores } from "../suite/result.js";
import { imageExamples } from "../train/examples.js";
import { predictLogits, type Scored } from "../train/score.js";
import { type ClassifierOptions, openClassifier } from "./classifier.js";
import { parallelDecodes } from "./images.js";

/** Images that a finished run is scored on. */
export interface Target {
  readonly name: string;
  readonly examples: Examples;
  readonly decode: Decode;
  /** Tells whether two trials were scored on the same images. */
  readonly digest: string;
  /** What is made of the logits; default: all metrics, the labels being the run's classes. */
  readonly judge?: (scored: Scored, classes: number) => Readonly<Record<string, Metrics>>;
}

/**
 * The scores of a finished run on targets, after its last and its best epoch. A `judge` may give several figures, and
 * names them.
 * @param bestEpoch which it is: the last one, an earlier one, or none where there are no validation images
 */
export async function scoreRun(
  run: ClassifierOptions & { readonly run: string },
  bestEpoch: "last" | "earlier" | "none",
  targets: readonly Target[],
  signal?: AbortSignal,
): Promise<Readonly<Record<string, Scores>>> {
  if (targets.length === 0) return {};
  const last = await scoreEpoch({ ...run, best: false }, targets, signal);
  if (bestEpoch === "last") return mapScores(last, last);
  return mapScores(last, bestEpoch === "none" ? {} : await scoreEpoch({ ...run, best: true }, targets, signal));
}

function mapScores(
  last: Readonly<Record<string, Metrics>>,
  best: Readonly<Record<string, Metrics>>,
): Readonly<Record<string, Scores>> {
  return Object.fromEntries(
    Object.entries(last).map(([name, figures]) => [name, { last: figures, best: best[name] ?? null }]),
  );
}

async function scoreEpoch(
  options: ClassifierOptions,
  targets: readonly Target[],
  signal: AbortSignal | undefined,
): Promise<Readonly<Record<string, Metrics>>> {
  const classifier = await openClassifier(options);
  try {
    const found: Record<string, Metrics> = {};
    for (const { name, examples, decode, judge } of targets) {
      const { transform, team, classCount } = classifier;
      const loader = createLoader(examples, {
        transform,
        decode,
        batchSize: Math.min(32, examples.count),
        parallel: parallelDecodes(),
        cacheBytes: 0,
      });
      // Two targets may have images of the same name.
      const scored = await predictLogits(team, imageExamples(loader), signal).catch((error: unknown) => {
        throw error instanceof FormatError ? new FormatError(`${name}/${error.message}`, { cause: error }) : error;
      });
      const figures = judge
        ? judge(scored, classCount)
        : { [name]: evaluateLogits(scored.logits, scored.labels, classCount) };
      Object.assign(found, figures);
    }
    return found;
  } finally {
    await classifier.close();
  }
}
