import { ConfigError } from "../errors.js";
import { type Dataset, type Examples, requireSplit, selectExamples } from "./dataset.js";
import { stream } from "./random.js";

/** Validation images per class where the data set brings none, as CoOp takes them: as many as shots, at most these. */
const mostValidation = 4;

/**
 * The data set with `shots` training images of each class, drawn with the seed; fewer shots of a seed are a part of more.
 * Where there are no validation images, up to four more per class become some. Where there are no test images, half of
 * each class is set aside for that first, the same half for every seed and number of shots.
 * @throws ConfigError where a class has fewer training images
 * @see Zhou et al., Learning to Prompt for Vision-Language Models (CoOp), 2022, section 4.1
 */
export function takeShots(dataset: Dataset, shots: number, seed: number): Dataset {
  const all = requireSplit(dataset, "train");
  const train: number[] = [];
  const val: number[] = [];
  const test: number[] = [];
  for (const [label, members] of membersOf(all)) {
    const isTested = dataset.splits.test !== null;
    const fixed = stream(0, "shots", "test", label).permutation(members.length);
    const order = isTested ? members : Array.from(fixed, (at) => members[at] as number);
    const kept = isTested ? order : order.slice(Math.floor(order.length / 2));
    if (!isTested) test.push(...order.slice(0, Math.floor(order.length / 2)));
    if (kept.length < shots) {
      throw new ConfigError(
        `shots: the class ${JSON.stringify(dataset.classes[label])} has ${kept.length} training images${isTested ? "" : ", the other half being the test,"} and cannot give ${shots}. Ask for fewer.`,
      );
    }
    const drawn = Array.from(stream(seed, "shots", label).permutation(kept.length), (at) => kept[at] as number);
    train.push(...drawn.slice(0, shots));
    val.push(...drawn.slice(shots, shots + Math.min(shots, mostValidation)));
  }
  const part = (indices: readonly number[]): Examples | null =>
    indices.length > 0 ? selectExamples(all, Int32Array.from(indices).sort()) : null;
  const { splits } = dataset;
  return { ...dataset, splits: { train: part(train), val: splits.val ?? part(val), test: splits.test ?? part(test) } };
}

/** The places of the images of each class. */
function membersOf({ labels }: Examples): ReadonlyMap<number, readonly number[]> {
  const members = new Map<number, number[]>();
  labels.forEach((label, i) => {
    const own = members.get(label);
    if (own) own.push(i);
    else members.set(label, [i]);
  });
  return members;
}
