import { basename, resolve } from "node:path";
import { type Dataset, digestDataset, type Examples, splitNames } from "../data/dataset.js";
import { ConfigError } from "../errors.js";
import { judgeTarget, matchClasses } from "../suite/targets.js";
import { openDataset } from "./datasets.js";
import { decodeImage } from "./images.js";
import type { Target } from "./suite-score.js";

/**
 * The targets of some folders: the test images of each, or all its images where it is not divided; and the source's own
 * test images where it has some. Each is named after its folder.
 * @throws ConfigError where two have the same name, one is the source itself, or a class is not among the source's
 */
export async function openTargets(source: string, folders: readonly string[]): Promise<readonly Target[]> {
  const itself = folders.find((folder) => resolve(folder) === resolve(source));
  if (itself !== undefined)
    throw new ConfigError(`targets: ${itself} is the source. Leave it out; test images of its own are scored anyway.`);
  const { classes, splits } = await openDataset(source, { valFraction: 0 });
  const own = splits.test ? [source] : [];
  const targets = await Promise.all(
    [...own, ...folders].map(async (folder): Promise<Target> => {
      const name = basename(resolve(folder));
      const dataset = await openDataset(folder, { valFraction: 0 });
      const split = (["test", "val", "train"] as const).find((split) => dataset.splits[split]);
      const examples = split && dataset.splits[split];
      if (!examples) throw new ConfigError(`${folder}: there are no images.`);
      const kept = classesOf(dataset, examples);
      const names = kept.map((label) => dataset.classes[label] as string);
      const match = matchClasses(names, classes, folder);
      const only = { ...dataset, splits: { ...emptySplits, test: examples } };
      return {
        name,
        examples,
        digest: await digestDataset(only),
        decode: decodeImage,
        judge: ({ logits, labels }, count) =>
          judgeTarget(name, match, { logits, labels: labels.map((label) => kept.indexOf(label)) }, count),
      };
    }),
  );
  const twice = targets.find(({ name }, i) => targets.findIndex((target) => target.name === name) < i);
  if (twice) throw new ConfigError(`targets: two are called ${twice.name}. Rename a folder.`);
  if (targets.length === 0) throw new ConfigError("targets: expected at least one folder.");
  return targets;
}

/** The labels of a target's classes: in lists only those that occur, since their numbers may be those of many more classes. */
const classesOf = ({ layout, classes }: Dataset, { labels }: Examples): readonly number[] =>
  layout === "lists" ? [...new Set(labels)].sort((a, b) => a - b) : classes.map((_, label) => label);

const emptySplits = Object.fromEntries(splitNames.map((name) => [name, null])) as Record<
  (typeof splitNames)[number],
  null
>;
