import { bestClasses, type Metrics } from "../evaluate/metrics.js";
import type { Description } from "../export/description.js";
import { inputName } from "../export/network.js";
import { normalizePixels } from "../export/pixels.js";
import type { Tensor } from "../graph/tensor.js";
import type { Model } from "../onnx/model.js";
import { describeModel } from "../onnx/model-file.js";
import type { Team } from "../train/rows.js";
import { type ClassifierOptions, openClassifier } from "./classifier.js";
import { type EvaluateOptions, scoreSplit } from "./evaluate.js";
import { createOrtEngine } from "./ort-node.js";
import { readRunRecord } from "./run-folder.js";

/** What the export changed, on validation images. */
export interface ExportCheck {
  readonly images: number;
  /** Of the network as it was trained. */
  readonly before: Metrics;
  /** Of the exported model, run by ONNX Runtime. */
  readonly after: Metrics;
  /** Share of images whose best class is the same. */
  readonly agreement: number;
  /** The largest difference of a logit beside the largest logit. */
  readonly logitError: number;
}

/** A team that answers uint8 images with a model as it will be written. */
export async function openModelTeam(
  model: Model,
  contract: Description["contract"],
  threads: number | undefined,
): Promise<{ readonly team: Team; close(): Promise<void> }> {
  const engine = createOrtEngine(threads === undefined ? {} : { threads });
  try {
    const session = await engine.load({
      name: "model.onnx",
      model: describeModel(model, (_, i) => ({ location: `weight.${i}`, offset: 0 })),
      externalData: model.weights.map((weight, i) => ({ path: `weight.${i}`, data: weight.bytes() })),
    });
    const answer = async (_: number, images: Tensor): Promise<Tensor> =>
      (await engine.run(session, { [inputName]: normalizePixels(images, contract) }, [])).logits as Tensor;
    return { team: { lanes: 1, microBatch: 8, answer }, close: () => engine.close() };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

/**
 * The exported model beside the network it came from, on the validation images of its run.
 * @param contract what the model wants its pixels normalised by
 * @throws ConfigError where there are none, or they are not the run's
 */
export async function checkExport(
  model: Model,
  contract: Description["contract"],
  options: ClassifierOptions & Pick<EvaluateOptions, "data" | "signal">,
): Promise<ExportCheck> {
  const { run, backbone, data, signal, threads } = options;
  const record = run === undefined ? undefined : await readRunRecord(run).catch(() => undefined);
  const scoring = {
    run,
    backbone,
    data,
    signal,
    split: "val",
    skipUnreadable: record?.config.skipUnreadable ?? false,
  } as const;
  const classifier = await openClassifier(options);
  const before = await scoreSplit(classifier, scoring, record).finally(() => classifier.close());
  const exported = await openModelTeam(model, contract, threads);
  const after = await scoreSplit({ ...classifier, team: exported.team }, scoring, record).finally(() =>
    exported.close(),
  );
  const best = [before, after].map(({ logits }) => bestClasses(logits, classifier.classCount)) as [
    Int32Array,
    Int32Array,
  ];
  return {
    images: before.labels.length,
    before: before.metrics,
    after: after.metrics,
    agreement: best[0].filter((found, i) => found === best[1][i]).length / best[0].length,
    logitError: relativeError(before.logits, after.logits),
  };
}

function relativeError(wanted: Float32Array, got: Float32Array): number {
  let [largest, difference] = [0, 0];
  for (let i = 0; i < wanted.length; i++) {
    largest = Math.max(largest, Math.abs(wanted[i] as number));
    difference = Math.max(difference, Math.abs((wanted[i] as number) - (got[i] as number)));
  }
  return difference / largest;
}
